"""Intervals over the repeats of a sweep, for what has none of its own."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mlbench.stats import mean_interval

__all__ = ["bounds_of", "with_intervals"]

Row = dict[str, Any]
"""Cells by column; Any: plain data."""


def bounds_of(name: str) -> tuple[str, str]:
    """The columns of its bounds.

    Examples
    --------
    >>> bounds_of("throughput")
    ('throughput_low', 'throughput_high')
    """
    return f"{name}_low", f"{name}_high"


def with_intervals(
    rows: Sequence[Row], metrics: Iterable[str], recorded: Iterable[str]
) -> list[Row]:
    """The rows, with bounds over those that differ in their repeat alone.

    Parameters
    ----------
    metrics
        Columns above zero: Student's t on the logarithms.
    recorded
        Columns of any numbers: Student's t on the values.
    """
    bounded = [dict(row) for row in rows]
    for repeats in _repeats(bounded):
        for name in metrics:
            _bound(repeats, name, in_logarithms=True)
        for name in recorded:
            _bound(repeats, name, in_logarithms=False)
    return bounded


def _repeats(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows of one combination, treatment and pipeline: the first of each point, the second, ..."""
    seen: Counter[tuple[object, ...]] = Counter()
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        what = (row.get("treatment"), row.get("pipeline"))
        place = (row["point"], *what)
        same = (row["combination"], *what, seen[place])
        groups[same].append(row)
        seen[place] += 1
    return (each for each in groups.values() if len(each) > 1)


def _bound(rows: Sequence[Row], name: str, in_logarithms: bool) -> None:
    low, high = bounds_of(name)
    if any(row.get(low) is not None for row in rows):  # a study's own
        return
    rows = [row for row in rows if _counts(row)]
    values = [row[name] for row in rows if _is_number(row.get(name))]
    if len(values) < 2 or (in_logarithms and min(values) <= 0):
        return
    found = mean_interval([math.log(value) for value in values] if in_logarithms else values)
    if found.low is None or found.high is None:
        return
    edges = [math.exp(each) if in_logarithms else each for each in (found.low, found.high)]
    for row in rows:
        row[low], row[high] = edges


def _counts(row: Row) -> bool:
    """Whether what a row says was measured as the plan says: it is done, and not INVALID."""
    return row.get("status", "done") == "done" and row.get("verdict") != "INVALID"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
