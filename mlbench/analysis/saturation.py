"""Saturation: whether an open load's backlog grows for as long as one looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlbench.analysis.arrays import Integers, ascending
from mlbench.analysis.periods import Period, load_period, measured_period
from mlbench.analysis.queries import Queries
from mlbench.analysis.record import Record
from mlbench.records import NULL
from mlbench.stats import Interval, mean_interval

__all__ = ["BATCHES", "MATERIAL_SHARE", "Saturation", "backlog", "saturation"]

BATCHES = 20
"""Parts of the window whose growths are averaged."""

MATERIAL_QUERIES, MATERIAL_SHARE = 5, 0.01
"""A backlog that grew by fewer queries, or by a smaller share of those due, is left alone."""


@dataclass(frozen=True)
class Saturation:
    """Whether a pipeline was saturated, and how fast its backlog grew.

    Parameters
    ----------
    saturated
        Null where it cannot be said; then ``reason`` says why.
    slope
        Growth of the backlog in queries per second, with its 95 % interval.
    """

    saturated: bool | None
    slope: Interval | None
    reason: str | None = None

    def to_dict(self) -> dict[str, float | None] | None:
        """The slope as ``{estimate, low, high}``, or null."""
        return self.slope.to_dict() if self.slope else None


def backlog(queries: Queries, times_ns: ArrayLike) -> Integers:
    """Queries that were due and had not ended at each of the times, shape of ``times_ns``."""
    times = np.asarray(times_ns, dtype=np.int64)
    due = ascending(queries.due[queries.due != NULL])
    ended = ascending(queries.done[queries.done != NULL])
    found = np.searchsorted(due, times, "right") - np.searchsorted(ended, times, "right")
    return found.astype(np.int64)


def saturation(record: Record, name: str, queries: Queries) -> Saturation:
    """Whether the backlog of an open load grew through the measured period.

    The period is cut into `BATCHES` equal parts. The growth of the backlog in each, what
    was due less what ended, is one value; the slope is their mean, with Student's interval
    over them. The pipeline is saturated if that interval lies above zero, the whole growth
    is material (at least five queries and 1 % of those that were due), and the backlog
    still grew in the second half.

    Why growths and not a line through the backlog: when more is due than is served, the
    backlog is a random walk with drift. Its errors add up, so a least-squares line finds
    trends in walks that have none (Granger and Newbold, 1974), while its increments are
    independent, and their mean is the best estimate of the drift. When less is due than is
    served, the increments cancel each other (each rise is followed by its fall), which
    makes this interval wider than need be: the rule errs towards not saturated. Batches
    take up the correlation that is left inside a part. What no rule can do is tell a slow drift
    from chance in a short window: over n queries chance alone moves the backlog by about
    the root of 2n.

    Why material: a constant load over a constant service has an interval of no width, and
    a growth below 1 % of what was due changes latency by less than 1 % of the window.
    Why the second half: a pipeline with many queries in flight fills from empty for as long
    as its latency, and then grows no more.

    In simulation, 1,000 queries to one server with exponential gaps and service: never
    flagged at a load of 0.7 or 0.9, 0.5 % at 0.95, 6 % at exactly 1, 96 % at 1.2, always
    at 1.5. With 100 queries: never at 0.7, 2 % at 0.9, 31 % at 1.2, 77 % at 1.5.
    """
    if not record.is_open(name):
        return Saturation(None, None, "the load is closed: it waits for the pipeline")
    if record.is_offline(name):
        return Saturation(None, None, "all queries are due at once: the backlog is the load")
    period = _period(record, name)
    due = _due_in(queries, period) if period else 0
    if period is None or due < BATCHES:
        return Saturation(None, None, f"it needs {BATCHES} queries that were due, there are {due}")
    edges = np.linspace(period.begin_ns, period.end_ns, BATCHES + 1).astype(np.int64)
    edges[0] -= 1  # what is due at the very beginning belongs to the first part
    growth = np.diff(backlog(queries, edges))
    slope = mean_interval(growth / (period.seconds / BATCHES))
    material = growth.sum() >= max(MATERIAL_QUERIES, MATERIAL_SHARE * due)
    lasting = growth[BATCHES // 2 :].sum() > 0
    surely = slope.low is not None and slope.low > 0
    return Saturation(bool(surely and material and lasting), slope)


def _period(record: Record, name: str) -> Period | None:
    """The measured period, so far as the load went on in it."""
    measured, load = measured_period(record, name), load_period(record, name)
    if measured is None or load is None:
        return None
    begin, end = max(measured.begin_ns, load.begin_ns), min(measured.end_ns, load.end_ns)
    return Period(begin, end) if end > begin else None


def _due_in(queries: Queries, period: Period) -> int:
    due = queries.due
    return int(((due >= period.begin_ns) & (due <= period.end_ns)).sum())
