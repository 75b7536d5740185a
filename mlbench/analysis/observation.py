"""What one run says of one pipeline, in the form in which two runs are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import Floats, Integers, Rows, column
from mlbench.analysis.critical import Steps
from mlbench.analysis.latency import times_ns
from mlbench.analysis.periods import measured_period
from mlbench.analysis.queries import Queries, walked_queries
from mlbench.analysis.record import Record
from mlbench.analysis.saturation import Saturation, saturation
from mlbench.analysis.slo import Attainment, attainment_of
from mlbench.analysis.stages import grouped_by_stage, queueing_ns, service_ns
from mlbench.analysis.throughput import achieved_rate, offered_rate
from mlbench.analysis.tokens import TOKENS, token_values
from mlbench.records import NULL

__all__ = ["TOKEN_TIMES", "Observation", "PathPart", "StageObservation", "observe"]

TOKEN_TIMES = ("ttft", "tpot")
"""To the first token of an answer, and for each further one."""


@dataclass(frozen=True)
class StageObservation:
    """The spans of one stage that belong to measured queries, arrays of shape (spans,).

    Parameters
    ----------
    service_ns
        From start to end; infinite where the span did not succeed.
    queueing_ns
        From ready to start.
    """

    service_ns: Floats
    queueing_ns: Floats


@dataclass(frozen=True)
class PathPart:
    """What one visit of one stage adds to the critical paths, arrays of shape (spans,).

    Parameters
    ----------
    query
        Row of the query in the observation's queries.
    service_ns, queueing_ns
        From start to end, and from ready to start.
    """

    query: Rows
    service_ns: Integers
    queueing_ns: Integers


@dataclass(frozen=True)
class Observation:
    """One pipeline in one run.

    Parameters
    ----------
    latency_ns
        Of the measured queries that have ended, infinite for those that did not succeed.
    rate, offered
        Queries per second done in the window, and due in it; null without a window.
    is_open
        Whether its load waits for nothing.
    stages
        By name, without those that were not visited.
    path
        By name and visit of the stage.
    tokens
        ``ttft`` and ``tpot``, the times to the first token and for each further one in ns,
        infinite for queries that did not succeed; empty for a pipeline that makes none.
    """

    queries: Queries
    latency_ns: Floats
    rate: float | None
    offered: float | None
    is_open: bool
    saturation: Saturation
    attainment: Attainment | None
    stages: Mapping[str, StageObservation]
    path: Mapping[tuple[str, int], PathPart]
    tokens: Mapping[str, Floats]


def observe(record: Record, name: str, walked: tuple[Queries, Steps] | None = None) -> Observation:
    """What a run says of pipeline ``name``.

    Parameters
    ----------
    walked
        `walked_queries` of the pipeline, where the caller has them already.
    """
    found, steps = walked_queries(record, name) if walked is None else walked
    period = measured_period(record, name)
    return Observation(
        queries=found,
        latency_ns=times_ns(found, found.latency_ns),
        rate=achieved_rate(found, period),
        offered=offered_rate(found, period),
        is_open=record.is_open(name),
        saturation=saturation(record, name, found),
        attainment=attainment_of(record, name, found),
        stages=_stages(record, name, found),
        path=_path(record, name, found, steps),
        tokens=_tokens(record, name, found),
    )


def _tokens(record: Record, name: str, queries: Queries) -> dict[str, Floats]:
    if not set(TOKENS) & set(record.pipeline(name).get("events") or ()):
        return {}
    times = token_values(record, name, queries)
    return {key: times[f"{key}_ms"] for key in TOKEN_TIMES}


def _stages(record: Record, name: str, queries: Queries) -> dict[str, StageObservation]:
    names = record.pipeline(name).get("stages") or ()
    spans = record.spanned(name)
    groups = grouped_by_stage(spans, queries.query[queries.measured], len(names))
    service, queueing = groups.gathered(service_ns(spans)), groups.gathered(queueing_ns(spans))
    found = zip(names, map(StageObservation, service, queueing), strict=True)
    return {stage: times for stage, times in found if times.service_ns.size}


def _path(
    record: Record, name: str, queries: Queries, steps: Steps
) -> dict[tuple[str, int], PathPart]:
    """The spans on the critical paths of measured queries whose path is whole."""
    names = record.pipeline(name).get("stages") or ()
    spans = record.spanned(name)
    whole = queries.measured & (queries.service_ns != NULL)
    kept = whole[steps.query]
    query, span = steps.query[kept], steps.span[kept]
    start = column(spans, "start")[span]
    service, queueing = column(spans, "end")[span] - start, start - column(spans, "ready")[span]
    stage, visit = column(spans, "stage")[span], column(spans, "visit")[span]
    return {
        (names[code] if 0 <= code < len(names) else f"stage {code}", number): PathPart(
            query[rows], service[rows], queueing[rows]
        )
        for (code, number), rows in _by_pair(stage, visit)
    }


def _by_pair(first: Integers, second: Integers) -> list[tuple[tuple[int, int], Integers]]:
    """The rows of each pair of codes, neither of which is below 0."""
    if not first.size:
        return []
    codes = first.astype(np.int64) * (int(second.max()) + 1) + second
    if codes.min() >= 0 and codes.max() < 2**15:
        codes = codes.astype(np.int16)  # NumPy sorts 16 bits in linear time
    order = np.argsort(codes, kind="stable")
    begins = np.flatnonzero(np.diff(codes[order])) + 1
    return [((int(first[rows[0]]), int(second[rows[0]])), rows) for rows in np.split(order, begins)]
