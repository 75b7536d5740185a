"""Tables of a run directory as NumPy arrays, read without pyarrow.

For who looks at a run beside what it measures, and needs no more than numbers: what
`mlbench.store.stream` reads as tables of pyarrow is read here as views of the same file, with
the same care. A batch that is not what its table says ends a stream there, too.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbench.records import NULL, Table
from mlbench.store.mapped import Stored, mapped, release
from mlbench.store.message import SCHEMA, message_at
from mlbench.store.places import DTYPES, Nested, Numbers, bits_of, offsets_of, places_of

__all__ = ["Batch", "Columns", "column_batches", "stored_columns"]

Values = NDArray[Any]  # Any: int32, int64 or float64, as the column is
Rows = NDArray[Any]  # Any: of an integer type

_NULLS: dict[str, float] = {"int64": NULL, "int32": -1, "float64": np.nan}
"""What stands for null in an array of each type."""


@dataclass(frozen=True)
class Batch:
    """Some rows of one batch of a file.

    Parameters
    ----------
    places
        Where each column lies, by name.
    begin, num_rows
        Which of its rows these are.
    """

    memory: mmap.mmap
    table: Table
    places: dict[str, Numbers | Nested]
    begin: int
    num_rows: int

    def slice(self, begin: int, rows: int) -> Batch:
        """Some of these rows."""
        return replace(self, begin=self.begin + begin, num_rows=rows)

    def numbers(self, name: str) -> Values:
        """A column of numbers; null is -1 of int32, `NULL` or NaN."""
        place = self.places[name]
        assert isinstance(place, Numbers)
        return self._numbers(place)[self.begin : self.begin + self.num_rows]

    def lists(self, name: str) -> tuple[Values, Values]:
        """A column of lists: offsets, one more than there are rows, and what they lead into."""
        place = self.places[name]
        assert isinstance(place, Nested)
        assert isinstance(place.inner, Numbers)
        return self._offsets(place), self._numbers(place.inner)

    def text(self, name: str, row: int) -> str | None:
        """One of a column of texts; null where there is none."""
        place, row = self.places[name], self.begin + row
        assert isinstance(place, Nested)
        assert isinstance(place.inner, tuple)
        if place.known is not None and not self.memory[place.known[0] + row // 8] >> row % 8 & 1:
            return None
        first, last = offsets_of(self.memory, place)[row : row + 2].tolist()
        begin = place.inner[0]
        return self.memory[begin + first : begin + last].decode()

    def _numbers(self, place: Numbers) -> Values:
        found: Values = np.frombuffer(
            self.memory, DTYPES[place.kind], place.rows, place.data[0]
        ) if place.rows else np.empty(0, DTYPES[place.kind])  # fmt: skip
        if place.known is not None:
            null = np.asarray(_NULLS[place.kind], found.dtype)
            found = np.where(bits_of(self.memory, place.known, place.rows), found, null)
        return found

    def _offsets(self, place: Nested) -> Values:
        found = offsets_of(self.memory, place)
        return found[self.begin : self.begin + self.num_rows + 1]


@dataclass(frozen=True)
class Columns:
    """A table, batch after batch; what it shares with pyarrow's is called as there.

    Parameters
    ----------
    rows
        Those of all that it consists of; default all.
    """

    table: Table
    batches: tuple[Batch, ...] = ()
    rows: Rows | None = None

    @classmethod
    def from_batches(cls, batches: Sequence[Batch]) -> Columns:
        """The rows of some batches of one table, of one at least."""
        return cls(batches[0].table, tuple(batches))

    def __len__(self) -> int:
        return self.num_rows

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        if self.rows is not None:
            return int(self.rows.size)
        return sum(batch.num_rows for batch in self.batches)

    def numbers(self, name: str) -> Values:
        """A column of numbers, shape (rows,), a view of the file where that is one batch."""
        parts = self._parts(name)
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return whole if self.rows is None else whole[self.rows]

    def chunks(self, name: str) -> list[Values]:
        """The same batch by batch; in one where there is none, or where rows were chosen."""
        return self._parts(name) if self.rows is None else [self.numbers(name)]

    def _parts(self, name: str) -> list[Values]:
        found = [batch.numbers(name) for batch in self.batches]
        kinds = {column.name: column.kind for column in self.table.columns}
        return found or [np.empty(0, DTYPES[kinds[name]])]

    def lists(self, name: str) -> Iterator[tuple[Values, Values]]:
        """A column of lists, batch by batch; see `Batch.lists`. Not of rows that were chosen."""
        assert self.rows is None
        return (batch.lists(name) for batch in self.batches)

    def text(self, name: str, row: int) -> str | None:
        """One of a column of texts; null where there is none."""
        row = row if self.rows is None else int(self.rows[row])
        number = bisect_right(self._begins, row) - 1
        return self.batches[number].text(name, row - self._begins[number])

    @cached_property
    def _begins(self) -> list[int]:
        """The first row of each batch."""
        return [0, *accumulate(batch.num_rows for batch in self.batches)]

    def filter(self, rows: NDArray[np.bool_]) -> Columns:
        """The rows that a mask has."""
        chosen = np.flatnonzero(rows)
        return replace(self, rows=chosen if self.rows is None else self.rows[chosen])

    def slice(self, begin: int, rows: int) -> Columns:
        """So many rows from the row ``begin`` on."""
        if self.rows is not None:
            return replace(self, rows=self.rows[begin : begin + rows])
        batches, end = [], begin + rows
        for batch in self.batches:
            first, last = max(0, begin), min(end, batch.num_rows)
            if first < last:
                batches.append(batch.slice(first, last - first))
            begin, end = begin - batch.num_rows, end - batch.num_rows
        return replace(self, batches=tuple(batches))

    def to_batches(self, max_chunksize: int) -> Iterator[Batch]:
        """The rows in batches of so many at most."""
        assert self.rows is None
        for batch in self.batches:
            for begin in range(0, batch.num_rows, max_chunksize):
                yield batch.slice(begin, min(max_chunksize, batch.num_rows - begin))


def column_batches(path: Path, table: Table, offset: int = 0) -> Iterator[tuple[Batch, int]]:
    """As `mlbench.store.stream.read_batches`: whole batches, each with the offset after it."""
    memory = mapped(path)
    if memory is not None:
        yield from _batches(memory, table, offset)


def stored_columns(path: Path, table: Table) -> Stored[Columns]:
    """All whole batches of a stream, with what gives their memory back."""
    memory = mapped(path)
    batches = () if memory is None else (batch for batch, _ in _batches(memory, table, 0))
    return Stored(Columns(table, tuple(batches)), memory)


def _batches(memory: mmap.mmap, table: Table, offset: int) -> Iterator[tuple[Batch, int]]:
    view = memoryview(memory)
    while (message := message_at(view, offset)) is not None:
        if message.kind != SCHEMA or offset:
            found = places_of(memory, table, message)
            if found is None:
                return
            yield Batch(memory, table, found, 0, message.rows), message.end
            release(memory, offset, message.end)  # of what was looked at to see if it is whole
        offset = message.end
