"""Columns of tables as NumPy arrays, and rows by key.

A table is one of pyarrow, or `mlbench.store.columns.Columns`, which imports none: of a run that
has just ended a summary is wanted, by a process that is to be small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlbench.records import NULL
from mlbench.store.columns import Columns

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Floats",
    "Integers",
    "Mask",
    "Rows",
    "Tabular",
    "ascending",
    "chunks",
    "column",
    "distinct",
    "finder",
    "greatest",
    "lists",
    "locate",
    "members",
    "nullable",
    "selected",
    "text",
    "together",
]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[Any]  # Any: int32 while they fit, else int64

Tabular = Any
"""`Columns` or a table of pyarrow; Any: the latter has no types."""

SPARSE = 4
"""Keys that spread over more than this many times their number are searched, not indexed."""


def column(table: Tabular, name: str) -> NDArray[Any]:  # Any: int32, int64 or float64
    """A column of numbers, shape (rows,), with `NULL` (-1, NaN) where the table has none."""
    if isinstance(table, Columns):
        return table.numbers(name)
    from mlbench.store.arrow import to_numpy

    return to_numpy(table.column(name))


def chunks(table: Tabular, name: str) -> list[NDArray[Any]]:  # Any: as of `column`
    """The same batch by batch, without copying; one of them where there is no batch."""
    if isinstance(table, Columns):
        return table.chunks(name)
    from mlbench.store.arrow import to_numpy

    return [to_numpy(chunk) for chunk in table.column(name).chunks] or [column(table, name)]


def lists(table: Tabular, name: str) -> Iterator[tuple[Rows, Integers]]:
    """A column of lists batch by batch: offsets, one more than rows, and what they lead into."""
    if isinstance(table, Columns):
        yield from table.lists(name)
        return
    from mlbench.store.arrow import to_numpy

    for chunk in table.column(name).chunks:
        yield to_numpy(chunk.offsets), to_numpy(chunk.values)


def text(table: Tabular, name: str, row: int) -> str | None:
    """One of a column of texts; null where there is none."""
    if isinstance(table, Columns):
        return table.text(name, row)
    found: str | None = table.column(name)[row].as_py()
    return found


def together(tables: Sequence[Tabular]) -> Tabular:
    """The rows of some tables, of one at least, without copying."""
    if isinstance(tables[0], Columns):
        return Columns.from_batches([batch for table in tables for batch in table.batches])
    import pyarrow as pa

    return pa.concat_tables(tables)


def nullable(values: Integers) -> pa.Array:
    """The Arrow array of an array in which `NULL` stands for null."""
    from mlbench.store.arrow import from_numpy

    return from_numpy(values, values != NULL)


def locate(keys: Integers, wanted: Integers) -> Rows:
    """The row of each wanted key among ``keys``; -1 where there is none.

    Of a key that stands there twice, any row.
    """
    return finder(keys)(wanted) if wanted.size else np.empty(0, dtype=np.int64)


def finder(keys: Integers) -> Callable[[Integers], Rows]:
    """`locate` among these keys, for many calls.

    Ids count up from some number, so a table by key answers in one look; keys that do not
    are sorted and searched.

    Examples
    --------
    >>> finder(np.array([3, 5]))(np.array([2, 3, 4, 5])).tolist()
    [-1, 0, -1, 1]
    """
    if not keys.size:
        return lambda wanted: np.full(wanted.size, -1, dtype=np.int64)
    low, high = int(keys.min()), int(keys.max())
    if high - low > SPARSE * keys.size + 1024:
        return _searcher(keys)
    if high - low + 1 == keys.size and bool((keys[1:] > keys[:-1]).all()):
        return lambda wanted: _shifted(wanted, low, high)  # each stands in the row of its number
    kind = np.int32 if keys.size < 2**31 else np.int64
    table = np.full(high - low + 2, -1, dtype=kind)  # the last stands for all keys outside
    table[keys - low] = np.arange(keys.size, dtype=kind)
    return lambda wanted: table[_shifted(wanted, low, high)]


def _shifted(values: Integers, low: int, high: int) -> Integers:
    """The values from 0 on, -1 for one that is not between these two."""
    found: Integers = values.astype(np.int64, copy=False) - low
    outside = found.view(np.uint64) > high - low  # what is below wraps round
    if outside.any():
        found[outside] = -1
    return found


def _searcher(keys: Integers) -> Callable[[Integers], Rows]:
    order = np.argsort(keys)
    ordered = keys[order]

    def search(wanted: Integers) -> Rows:
        places = np.minimum(np.searchsorted(ordered, wanted), keys.size - 1)
        rows: Rows = order[places]
        rows[ordered[places] != wanted] = -1
        return rows

    return search


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
    if bool((keys[1:] > keys[:-1]).all()):
        return keys
    low, high = int(keys.min()), int(keys.max())
    if high - low > SPARSE * keys.size + 1024:
        ordered: Integers = np.sort(keys)
        first: Mask = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        return ordered[first]
    marks = np.zeros(high - low + 1, dtype=np.bool_)
    marks[keys - low] = True
    return np.flatnonzero(marks) + low


def selected(table: Tabular, rows: Mask) -> Tabular:
    """The rows of a table that a mask has, without copying where they stand together."""
    count = int(np.count_nonzero(rows))
    first = int(rows.argmax()) if count else 0
    if bool(rows[first : first + count].all()):
        return table.slice(first, count)
    if isinstance(table, Columns):
        return table.filter(rows)
    from mlbench.store.arrow import from_numpy

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
