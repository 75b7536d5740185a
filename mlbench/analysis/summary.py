"""The summary of a run: the document that ``mlbench run --json`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mlbench.analysis.events import EventValues, event_values
from mlbench.analysis.failures import failures
from mlbench.analysis.latency import Distribution, distribution_ms, lateness_ns, times_ns
from mlbench.analysis.periods import load_period, measured_period, shared_period
from mlbench.analysis.queries import OUTCOMES, Queries, queries_of
from mlbench.analysis.record import Record
from mlbench.analysis.saturation import Saturation, saturation
from mlbench.analysis.scores import Score, scores, unscored
from mlbench.analysis.slo import Attainment, attainment_of
from mlbench.analysis.stages import StageTimes, stage_times
from mlbench.analysis.throughput import achieved_rate, offered_rate
from mlbench.analysis.tokens import TokenTimes, token_times
from mlbench.analysis.verdict import verdict
from mlbench.records import NULL, Outcome

__all__ = ["summary"]

ERRORS = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST)


@dataclass(frozen=True)
class Found:
    """What is known of one pipeline, before it is written out."""

    queries: Queries
    distributions: Mapping[str, Distribution]
    stages: Mapping[str, StageTimes]
    saturation: Saturation
    attainment: Attainment | None
    tokens: TokenTimes | None
    events: Mapping[str, EventValues]
    scores: Mapping[str, Score]


Slo = dict[str, float | None]


def summary(record: Record) -> dict[str, Any]:  # Any: JSON
    """One JSON document of a run, whole or as far as it has come.

    Returns
    -------
    dict
        ``run`` (null, for the caller to fill), ``status``, ``verdict``, ``reasons``,
        ``window`` (seconds from the barrier, null for a plain run), ``shared_seconds``
        (of the load phases, how much all pipelines shared) and ``pipelines``. Of each:
        ``queries`` (due in the window; in a plain run all), ``errors`` (failed, timed out
        or lost), ``outcomes``, rates in queries/s, times as mean and quantiles in ms, the
        finding ``saturated`` with ``backlog_slope`` in queries/s, ``slo`` with its
        attainment and goodput, ``tokens`` (`TokenTimes`; null for a pipeline that makes
        none), ``events`` (`EventValues` by name), ``scores`` (`Score` by name) and
        ``stages``. A value that is null, or leaves some queries out, has its reason under
        its dotted name in ``null_reasons``. No number is infinite or not a number.
    """
    found = {name: _find(record, name) for name in record.names}
    judged = verdict(record, {name: each.queries for name, each in found.items()})
    shared = shared_period(record)
    return {
        "run": None,
        "status": record.status,
        "verdict": str(judged),
        "reasons": list(judged.reasons),
        "window": _window(record),
        "shared_seconds": shared.seconds if shared else 0.0,
        "pipelines": {name: _pipeline(record, name, each) for name, each in found.items()},
    }


def _find(record: Record, name: str) -> Found:
    queries = queries_of(record, name)
    times = {
        "lateness_ms": lateness_ns(queries),
        "queueing_ms": times_ns(queries, queries.queueing_ns),
        "service_ms": times_ns(queries, queries.service_ns),
        "latency_ms": times_ns(queries, queries.latency_ns),
    }
    return Found(
        queries=queries,
        distributions={key: distribution_ms(values) for key, values in times.items()},
        stages=stage_times(record, name, queries.query[queries.measured]),
        saturation=saturation(record, name, queries),
        attainment=attainment_of(record, name, queries),
        tokens=token_times(record, name, queries),
        events=event_values(record, name, queries),
        scores=scores(record, name, queries),
    )


def _pipeline(record: Record, name: str, found: Found) -> dict[str, Any]:  # Any: JSON
    queries, period = found.queries, measured_period(record, name)
    load = load_period(record, name)
    outcomes = {outcome: queries.count(code) for code, outcome in enumerate(OUTCOMES)}
    rates = {
        "offered_rate": offered_rate(queries, period),
        "achieved_rate": achieved_rate(queries, period),
    }
    return {
        "status": record.pipeline(name).get("status"),
        "reason": record.pipeline(name).get("reason"),
        "queries": sum(outcomes.values()),
        "errors": sum(queries.count(outcome) for outcome in ERRORS),
        "outcomes": outcomes,
        "failures": failures(queries),
        "load_seconds": load.seconds if load else 0.0,
        **rates,
        **{key: dict(times.values) for key, times in found.distributions.items()},
        "saturated": found.saturation.saturated,
        "backlog_slope": found.saturation.to_dict(),
        "slo": _slo(record, name, found, rates["offered_rate"]),
        "tokens": _tokens(found.tokens),
        "events": {event: asdict(values) for event, values in found.events.items()},
        "scores": {score: asdict(values) for score, values in found.scores.items()},
        "stages": {stage: _stage(times) for stage, times in found.stages.items()},
        "null_reasons": {key: why for key, why in _null_reasons(rates, found) if why},
    }


def _stage(times: StageTimes) -> dict[str, Any]:  # Any: JSON
    return {
        "spans": times.spans,
        "errors": times.errors,
        "service_ms": dict(times.service_ms.values),
        "queueing_ms": dict(times.queueing_ms.values),
    }


def _tokens(found: TokenTimes | None) -> dict[str, Any] | None:  # Any: JSON
    if found is None:
        return None
    times = {key: dict(each.values) for key, each in found.distributions.items()}
    return {"count": found.count, "rate": found.rate, **times}


def _slo(record: Record, name: str, found: Found, offered: float | None) -> Slo | None:
    """The limits, attainment over offered queries, and goodput: attainment times that rate."""
    spec, attained = record.bench.pipelines.get(name), found.attainment
    if spec is None or spec.slo is None or attained is None:
        return None
    goodput = None if attained.share is None or offered is None else attained.share * offered
    limits = spec.slo.model_dump(exclude_none=True)
    return {**limits, "attainment": attained.share, "goodput": goodput}


def _window(record: Record) -> dict[str, float] | None:
    window, barrier = record.manifest.get("window"), record.manifest.get("barrier_ns")
    if window is None or barrier is None:
        return None
    return {edge: (window[f"{edge}_ns"] - barrier) / 1e9 for edge in ("begin", "end")}


def _null_reasons(
    rates: Mapping[str, float | None], found: Found
) -> Iterator[tuple[str, str | None]]:
    for key, rate in rates.items():
        yield key, "no load was measured" if rate is None else None
    yield from _dotted("", found.distributions)
    for key in ("queueing_ms", "service_ms"):
        yield key, _pathless(found.queries)
    for stage, times in found.stages.items():
        parts = {"service_ms": times.service_ms, "queueing_ms": times.queueing_ms}
        yield from _dotted(f"stages.{stage}.", parts)
    if found.tokens is not None:
        yield "tokens.rate", "no load was measured" if found.tokens.rate is None else None
        yield from _dotted("tokens.", found.tokens.distributions)
    for key in ("saturated", "backlog_slope"):
        yield key, found.saturation.reason
    yield "slo.attainment", found.attainment.reason if found.attainment else None
    for score in found.scores:
        yield f"scores.{score}", unscored(found.queries)


def _pathless(queries: Queries) -> str | None:
    """What queueing and service leave out: done queries without a whole path of spans."""
    done = queries.measured & (queries.outcome == Outcome.DONE)
    count = int((done & (queries.service_ns == NULL)).sum())
    if not count:
        return None
    return f"{count} done queries are left out: their spans are missing or do not fit their stamps"


def _dotted(
    prefix: str, distributions: Mapping[str, Distribution]
) -> Iterator[tuple[str, str | None]]:
    for key, distribution in distributions.items():
        for name, reason in distribution.reasons.items():
            yield f"{prefix}{key}.{name}", reason
