"""Columns of Arrow tables as NumPy arrays, and rows by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlbench.records import NULL
from mlbench.store.arrow import from_numpy, to_numpy

__all__ = [
    "Floats",
    "Integers",
    "Mask",
    "Rows",
    "ascending",
    "column",
    "distinct",
    "greatest",
    "locate",
    "members",
    "nullable",
    "selected",
]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[Any]  # Any: int32 while they fit, else int64

SPARSE = 4
"""Keys that spread over more than this many times their number are searched, not indexed."""


def column(table: pa.Table, name: str) -> Integers:
    """A column of integers, shape (rows,), with `NULL` (-1 of int32) where the table has none."""
    return to_numpy(table.column(name))


def nullable(values: Integers) -> pa.Array:
    """The Arrow array of an array in which `NULL` stands for null."""
    return from_numpy(values, values != NULL)


def locate(keys: Integers, wanted: Integers) -> Rows:
    """The row of each wanted key among ``keys``; -1 where there is none.

    Ids count up from some number, so a table by key answers in one look; keys that do not
    are sorted and searched. Of a key that stands there twice, any row.
    """
    if not keys.size or not wanted.size:
        return np.full(wanted.size, -1, dtype=np.int64)
    low, high = int(keys.min()), int(keys.max())
    if high - low > SPARSE * keys.size + 1024:
        return _search(keys, wanted)
    inside = (wanted >= low) & (wanted <= high)
    if high - low + 1 == keys.size and bool((np.diff(keys) == 1).all()):
        return np.where(inside, wanted - low, -1)  # each key stands in the row of its number
    kind = np.int32 if keys.size < 2**31 else np.int64
    table = np.full(high - low + 2, -1, dtype=kind)  # the last stands for all keys outside
    table[keys - low] = np.arange(keys.size, dtype=kind)
    found: Rows = table[np.where(inside, wanted - low, -1)]
    return found


def members(keys: Integers) -> Callable[[Integers], Mask]:
    """A function that says of each of its values whether it is one of ``keys``.

    Examples
    --------
    >>> members(np.array([3, 5]))(np.array([2, 3, 4, 5])).tolist()
    [False, True, False, True]
    """
    if not keys.size:
        return lambda values: np.zeros(values.size, dtype=np.bool_)
    low, high = int(keys.min()), int(keys.max())
    if high - low > SPARSE * keys.size + 1024:
        return lambda values: np.isin(values, keys)
    marks = np.zeros(high - low + 1, dtype=np.bool_)
    marks[keys - low] = True

    def among(values: Integers) -> Mask:
        inside: Mask = (values >= low) & (values <= high)
        return inside & marks[np.where(inside, values - low, 0)]

    def between(values: Integers) -> Mask:
        return (values >= low) & (values <= high)

    return between if marks.all() else among


def _search(keys: Integers, wanted: Integers) -> Rows:
    order = np.argsort(keys)
    places = np.searchsorted(keys, wanted, sorter=order)
    rows: Rows = order[np.minimum(places, keys.size - 1)]
    rows[keys[rows] != wanted] = -1
    return rows


def ascending(values: Integers) -> Integers:
    """The values in ascending order; as they are, where they stand so already."""
    if bool((values[1:] >= values[:-1]).all()):
        return values
    return np.sort(values)


def distinct(keys: Integers) -> Integers:
    """The keys in ascending order, each once.

    Ids count up from some number, so a mark for each answers without sorting.
    `numpy.unique` takes ten times as long: it hashes them first.
    """
    if not keys.size:
        return keys
    low, high = int(keys.min()), int(keys.max())
    if high - low > SPARSE * keys.size + 1024:
        ordered: Integers = np.sort(keys)
        first: Mask = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        return ordered[first]
    marks = np.zeros(high - low + 1, dtype=np.bool_)
    marks[keys - low] = True
    return np.flatnonzero(marks) + low


def selected(table: pa.Table, rows: Mask) -> pa.Table:
    """The rows of a table that a mask has, without copying where they stand together."""
    count = int(np.count_nonzero(rows))
    first = int(rows.argmax()) if count else 0
    if bool(rows[first : first + count].all()):
        return table.slice(first, count)
    return table.filter(from_numpy(rows))


def greatest(values: Integers, group: Rows, rows: Rows, groups: int) -> Rows:
    """Those of the rows whose value is the greatest of their group, shape (kept,).

    Parameters
    ----------
    values, group
        Of every row; groups count from 0.
    rows
        Those to look at.
    groups
        How many there are.
    """
    best = np.full(groups, NULL, dtype=np.int64)
    here, mine = values[rows], group[rows]
    np.maximum.at(best, mine, here)
    kept: Rows = rows[here == best[mine]]
    return kept
