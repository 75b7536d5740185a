"""Rates: what was offered, and what was achieved."""

from __future__ import annotations

import numpy as np

from mlbench.analysis.arrays import Integers
from mlbench.analysis.periods import Period
from mlbench.analysis.queries import Queries
from mlbench.records import NULL, Outcome

__all__ = ["achieved_rate", "offered_rate"]


def offered_rate(queries: Queries, period: Period | None) -> float | None:
    """Queries per second that were due in the period; null where it has no length."""
    return int(queries.measured.sum()) / period.seconds if period else None


def achieved_rate(queries: Queries, period: Period | None) -> float | None:
    """Queries per second that were done in the period; failures do not count.

    A completion at its first instant belongs to what was before, one at its last instant
    to it: the closed load's first query is due when the period begins, its last is done
    when it ends.
    """
    if period is None:
        return None
    done = queries.done[queries.outcome == Outcome.DONE]
    return _between(done, period) / period.seconds


def _between(times: Integers, period: Period) -> int:
    inside = (times != NULL) & (times > period.begin_ns) & (times <= period.end_ns)
    return int(np.count_nonzero(inside))
