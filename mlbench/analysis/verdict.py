"""The verdict: whether a run measured what its spec says, and if not, every reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from mlbench.analysis.failures import failures
from mlbench.analysis.harness import crowded
from mlbench.analysis.latency import lateness_ns
from mlbench.analysis.periods import Period, load_period, measured_period
from mlbench.analysis.queries import Queries, queries_of
from mlbench.analysis.record import ENDED, Record
from mlbench.records import NULL, Outcome
from mlbench.spec import Stop
from mlbench.stats import quantile, quantile_floor

__all__ = ["STALL_SHARE", "Verdict", "verdict"]

LATENESS_SHARE = 0.01
"""Lateness below this share of a pipeline's median latency does not matter to it."""

STALL_SHARE = 0.001
"""A recorder that held a worker up for less than this share of its load did not matter."""

SAID_BY_STATUS = ("asked to stop", "the engine ended before the run did")
"""Reasons of the manifest that the status of the run says already."""

SHORT_SIGMAS = 5
"""How far below its mean the number of Poisson arrivals may fall before it is not chance."""


@dataclass(frozen=True)
class Verdict:
    """VALID, or INVALID with every reason as a sentence, causes before what follows from them."""

    reasons: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether there is no reason against the run."""
        return not self.reasons

    def __str__(self) -> str:
        return "VALID" if self.valid else "INVALID"


def verdict(record: Record, queries: Mapping[str, Queries] | None = None) -> Verdict:
    """Whether a run measured what its spec says.

    It is INVALID if it did not run to its end, a pipeline ended by failure or completed
    nothing, an open load was offered late or short, a minimum of ``stop`` was not reached,
    the recorder held a worker up, what measures took too much of a pipeline's processors, or
    the engine gave a reason of its own. That a pipeline is saturated, or that single queries
    fail, is a finding and no reason. A recording, which has no pipelines, may be ended at
    any time.

    Parameters
    ----------
    record
        The run.
    queries
        `queries_of` each pipeline, where the caller has them already.
    """
    found = queries or {name: queries_of(record, name) for name in record.names}
    failures = [reason for name in _failed(record) for reason in _failure(record, name)]
    told = [str(reason) for reason in record.manifest.get("reasons") or ()]
    told = [reason for reason in told if reason not in SAID_BY_STATUS]
    reasons = [*failures, *_of_run(record, failures or told), *told]
    # Before any load has begun, all the rest follows from the failure.
    if record.status not in ("failed", "aborted") or _has_begun(record):
        for name in record.names:
            reasons += _of_pipeline(record, name, found[name])
    return Verdict(tuple(dict.fromkeys(reasons)))


def _failed(record: Record) -> list[str]:
    """The pipelines that ended by failure, the first one first: others may have followed it."""
    names = [name for name in record.names if record.pipeline(name).get("status") == "failed"]
    return sorted(names, key=lambda name: record.pipeline(name).get("ended_ns") or 0)


def _has_begun(record: Record) -> bool:
    """Whether the loads of a run were begun."""
    return record.manifest.get("barrier_ns") is not None


def _of_run(record: Record, causes: Sequence[str]) -> Iterator[str]:
    """Why a run did not come to its end, where no cause is known that says it better."""
    match record.status:
        case "done":
            return
        case "aborted":
            yield "The run was aborted: its engine ended without closing it."
        case "stopped" if not record.names:
            return  # a recording of the machine, which is whole whenever somebody ends it
        case "stopped":
            began = _has_begun(record)
            yield f"The run was stopped before its load {'had ended' if began else 'began'}."
        case "failed":
            if not causes:
                yield "The run failed."
        case phase:
            yield f"The run is still going (phase {phase}), so its numbers are not final."


def _of_pipeline(record: Record, name: str, queries: Queries) -> Iterator[str]:
    yield from _failure(record, name)
    if record.is_open(name) and not record.is_offline(name):
        yield from _lateness(record, name, queries)
    yield from _stall(record, name)
    yield from crowded(record, name)
    if record.ended(name) and record.status != "stopped":  # what it lacks follows from that
        yield from _short(record, name, queries)
        yield from _minima(record, name, queries)
        yield from _cut_off(record, name, queries)
        yield from _nothing(name, queries)


def _cut_off(record: Record, name: str, queries: Queries) -> Iterator[str]:
    """Queries of a plain run that the drain limit ended; in a study's window they are censored."""
    count = queries.count(Outcome.CANCELLED)
    if count and record.status == "done" and record.manifest.get("window") is None:
        drain = record.bench.timeouts.drain
        yield (
            f"{count} queries of {name} were cancelled at the drain limit of {drain:g} s "
            "(timeouts: {drain: ...})."
        )


def _failure(record: Record, name: str) -> Iterator[str]:
    pipeline = record.pipeline(name)
    status, why = pipeline.get("status"), str(pipeline.get("reason") or "").rstrip(".")
    because = f": {why}" if why else ""
    if status == "failed":
        yield f"{name} ended by failure{_moment(record, name)}{because}.{_absent(record, name)}"
    elif status == "stopped" and record.status != "stopped":
        yield f"{name} was stopped{_moment(record, name)}{because}.{_absent(record, name)}"


def _moment(record: Record, name: str) -> str:
    second = _end_second(record, name)
    return " before its load" if second is None else f" at second {second:.1f} of the load"


def _absent(record: Record, name: str) -> str:
    if not _has_begun(record):
        return " So no load began." if record.status in ENDED else ""
    others = [other for other in record.names if other != name]
    if not others:
        return ""
    listed, second = ", ".join(others), _end_second(record, name)
    since = "" if second is None else f" from second {second:.1f} on"
    return f" So {listed} ran without it{since}."


def _end_second(record: Record, name: str) -> float | None:
    """When a pipeline's load ended, in seconds from the barrier; null if it never began."""
    load = load_period(record, name)
    if load is None:
        return None
    barrier = record.manifest.get("barrier_ns")
    return (load.end_ns - (load.begin_ns if barrier is None else barrier)) / 1e9


def _lateness(record: Record, name: str, queries: Queries) -> Iterator[str]:
    """Both conditions use the plain quantiles: a short run is not excused by a floor."""
    late = lateness_ns(queries)
    limit = record.bench.limits.lateness_p99_ms
    p99 = quantile(late, 0.99) / 1e6 if late.size else 0.0
    if p99 <= limit:
        return
    told = f"{_latest(late.size)} {p99:.3g} ms"
    field = f"(limits: {{lateness_p99_ms: {limit:g}}})"
    done = queries.measured & (queries.latency_ns != NULL)
    median = quantile(queries.latency_ns[done], 0.5) / 1e6 if done.any() else None
    if median is None:
        yield f"{name} was offered late: {told}, over the limit {field}."
    elif p99 > LATENESS_SHARE * median:
        yield (
            f"{name} was offered late: {told}, over the limit {field} and over 1 % of its "
            f"median latency of {median:.4g} ms."
        )


def _latest(count: int) -> str:
    """What the plain p99 of so many queries is: too few for a p99 have so many later ones."""
    if count >= quantile_floor(0.99):
        return "p99 of lateness"
    rank = count - ceil(0.99 * count) + 1
    if rank == 1:
        return f"the latest of {count} queries by" if count > 1 else "its only query by"
    return f"the latest {rank} of {count} queries by at least"


def _short(record: Record, name: str, queries: Queries) -> Iterator[str]:
    """Queries that were due and were not dispatched.

    The manifest's ``load.offered`` says how many were due. Without it: gaps in the indices,
    and for the loads whose rate the spec says, that rate.
    """
    if not record.is_open(name):
        return
    sent, period = len(queries), load_period(record, name)
    offered = (record.pipeline(name).get("load") or {}).get("offered")
    if offered is None:
        offered = _least(record, name, period) if period else 0
        offered = max(offered, int(queries.query[-1]) + 1 if sent else 0)
    if sent < offered:
        yield f"{name} was offered short: {offered} queries were due, {sent} were dispatched."


def _least(record: Record, name: str, period: Period) -> int:
    """The fewest queries that a constant or Poisson load can have had due in the period."""
    spec = record.bench.pipelines.get(name)
    rate = spec.load.options.get("rate") if spec else None
    if spec is None or not isinstance(rate, int | float):
        return 0
    mean = rate * period.seconds
    if spec.load.name == "constant":
        return ceil(mean * (1 - 1e-9)) - 1  # the last may be due as the load ends
    return ceil(mean - SHORT_SIGMAS * sqrt(mean)) if spec.load.name == "poisson" else 0


def _stall(record: Record, name: str) -> Iterator[str]:
    stalled = record.pipeline(name).get("stalled_ns") or 0
    load = load_period(record, name)
    if load and stalled > STALL_SHARE * (load.end_ns - load.begin_ns):
        yield (
            f"{name} waited {stalled / 1e6:.3g} ms for the recorder, over 0.1 % of its load "
            f"phase of {load.seconds:.4g} s."
        )


def _minima(record: Record, name: str, queries: Queries) -> Iterator[str]:
    spec = record.bench.pipelines.get(name)
    stop = (spec.stop if spec else None) or record.bench.stop
    if stop is None:
        return
    windowed = record.manifest.get("window") is not None
    period = measured_period(record, name) if windowed else load_period(record, name)
    seconds, count = period.seconds if period else 0.0, int(queries.measured.sum())
    least_seconds, least_queries = _least_of(stop, windowed)
    ran_out = record.is_open(name) and record.ran_out(name)
    if not ran_out and seconds < least_seconds * (1 - 1e-3):  # its end is only so exact
        yield f"{name} was under load for {seconds:.4g} s, its minimum is {least_seconds:g} s."
    if count < least_queries:
        yield f"{name} had {count} queries, its minimum is {least_queries}."


def _least_of(stop: Stop, windowed: bool) -> tuple[float, int]:
    """Minimum seconds and queries; in a study the window takes the place of an exact length."""
    if windowed:
        return stop.min_seconds, stop.min_queries
    return max(stop.min_seconds, stop.seconds or 0), max(stop.min_queries, stop.queries or 0)


def _nothing(name: str, queries: Queries) -> Iterator[str]:
    count = int(np.count_nonzero(queries.measured))
    if not queries.count(Outcome.DONE):
        what = f"none of its {count} queries was done" if count else "it had no queries"
        found = failures(queries)
        why = f"; most often, {found[0]['count']} times: {found[0]['error']}" if found else ""
        yield f"{name} completed nothing: {what}{why}."
