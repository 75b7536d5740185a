"""Whether a run can stand in a comparison: everybody was there, and few queries failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlbench.analysis.periods import Period, load_period
from mlbench.analysis.queries import Queries
from mlbench.analysis.record import Record
from mlbench.records import Outcome

__all__ = ["ERRORS", "unfit"]

ERRORS = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST)
"""The outcomes that count as errors; a query that the drain limit cut off is censored."""


def unfit(record: Record, queries: Mapping[str, Queries]) -> Iterator[str]:
    """Why a run cannot stand in a comparison, beyond what `mlbench.analysis.verdict` says.

    The limits are those of the run's spec: ``limits: {error_share, presence_share}``.

    Parameters
    ----------
    queries
        `queries_of` each pipeline.
    """
    window = record.manifest.get("window")
    if window is None:
        yield "The run has no window: it was not made for a study."
        return
    whole = Period(window["begin_ns"], window["end_ns"])
    for name in record.names:
        if record.pipeline(name).get("status") == "done":
            yield from _absence(record, name, whole)
            yield from _errors(record, name, queries[name])


def _absence(record: Record, name: str, window: Period) -> Iterator[str]:
    load = load_period(record, name)
    begin = window.end_ns if load is None else max(load.begin_ns, window.begin_ns)
    end = begin if load is None else min(load.end_ns, window.end_ns)
    present, limit = max(end - begin, 0) / 1e9, record.bench.limits.presence_share
    if present >= limit * window.seconds:
        return
    others = ", ".join(other for other in record.names if other != name)
    beside = f"; {others} ran without it for the rest" if others else ""
    yield (
        f"{name} was under load for {present:.4g} s of the window of {window.seconds:.4g} s{beside}"
        " (limits: {presence_share: ...})."
    )


def _errors(record: Record, name: str, queries: Queries) -> Iterator[str]:
    count, limit = int(queries.measured.sum()), record.bench.limits.error_share
    errors = sum(queries.count(outcome) for outcome in ERRORS)
    if errors > limit * count:
        yield (
            f"{errors} of {count} queries of {name} failed, timed out or got lost, over "
            f"{limit:.3g} of them (limits: {{error_share: ...}})."
        )
