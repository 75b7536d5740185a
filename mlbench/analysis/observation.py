"""What one run says of one pipeline, in the form in which two runs are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import Floats, Integers, Mask, Rows
from mlbench.analysis.critical import Steps
from mlbench.analysis.latency import times_ns
from mlbench.analysis.periods import measured_period
from mlbench.analysis.queries import Queries, walked_queries
from mlbench.analysis.record import Record
from mlbench.analysis.saturation import Saturation, saturation
from mlbench.analysis.slo import Attainment, attainment_of
from mlbench.analysis.stages import times_by_stage
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


def observe(
    record: Record, name: str, walked: tuple[Queries, Sequence[Steps]] | None = None
) -> Observation:
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
    measured = queries.query[queries.measured]
    found = zip(names, times_by_stage(record.pieces(name), measured, len(names)), strict=True)
    stages = {
        stage: StageObservation(parts.service_ns(), parts.queueing_ns()) for stage, parts in found
    }
    return {stage: times for stage, times in stages.items() if times.service_ns.size}


def _path(
    record: Record, name: str, queries: Queries, walked: Sequence[Steps]
) -> dict[tuple[str, int], PathPart]:
    """The spans on the critical paths of measured queries whose path is whole."""
    names = record.pipeline(name).get("stages") or ()
    whole = queries.measured & (queries.service_ns != NULL)
    found: dict[tuple[int, int], list[PathPart]] = {}
    for steps in walked:
        kept = whole[steps.query]
        for place, rows in _by_pair(steps.stage, steps.visit, kept):
            part = PathPart(steps.query[rows], steps.service_ns[rows], steps.queueing_ns[rows])
            found.setdefault(place, []).append(part)
    return {
        (names[code] if 0 <= code < len(names) else f"stage {code}", visit): _joined(parts)
        for (code, visit), parts in sorted(found.items())
    }


def _joined(parts: Sequence[PathPart]) -> PathPart:
    columns = ("query", "service_ns", "queueing_ns")
    return PathPart(*(np.concatenate([getattr(part, key) for part in parts]) for key in columns))


def _by_pair(
    first: Integers, second: Integers, kept: Mask
) -> Iterator[tuple[tuple[int, int], Rows]]:
    """The rows of each pair of codes, of those that are kept."""
    rows = np.flatnonzero(kept)
    while rows.size:
        pair = int(first[rows[0]]), int(second[rows[0]])
        same = (first[rows] == pair[0]) & (second[rows] == pair[1])
        yield pair, rows[same]
        rows = rows[~same]
