"""Where the columns of a batch lie in its file, if it is what its table says.

What is found here was looked at: numbers have their bytes, offsets lead into what there is,
texts are UTF-8, and there are as many nulls as the batch says.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbench.records import Table
from mlbench.store.message import Message

__all__ = ["DTYPES", "Nested", "Numbers", "bits_of", "offsets_of", "places_of"]

Values = NDArray[Any]  # Any: int32, int64 or float64, as the column is

Place = tuple[int, int]
"""First offset in the file, and the one after the last."""

DTYPES: dict[str, str] = {"int64": "<i8", "int32": "<i4", "float64": "<f8"}


@dataclass(frozen=True)
class Numbers:
    """Where a column of numbers lies; ``known`` is its bitmap, null where all are known."""

    kind: str
    rows: int
    data: Place
    known: Place | None


@dataclass(frozen=True)
class Nested:
    """Where a column of lists or texts lies: int32 offsets into what they consist of."""

    rows: int
    offsets: Place
    inner: Numbers | Place
    known: Place | None


class _OtherError(Exception):
    """A batch is not one of this table."""


def places_of(
    memory: mmap.mmap, table: Table, message: Message
) -> dict[str, Numbers | Nested] | None:
    """Where the columns of a batch lie; null where its buffers do not hold what it says."""
    layout = _Layout(memory, message)
    try:
        found = {column.name: layout.column(column.kind) for column in table.columns}
        layout.end()
    except _OtherError:
        return None
    return found


class _Layout:
    """Goes through the fields and buffers of a batch in their order (``RecordBatch``)."""

    def __init__(self, memory: mmap.mmap, message: Message) -> None:
        self._memory = memory
        self._rows = message.rows
        self._nodes, self._buffers = iter(message.nodes), iter(message.buffers)

    def column(self, kind: str) -> Numbers | Nested:
        """The next column."""
        rows, known = self._field()
        _expect(rows == self._rows)
        if kind in DTYPES:
            return self._numbers(kind, rows, known)
        offsets = self._buffer((rows + 1) * 4 if rows else 0)
        if kind == "utf8":
            texts = Nested(rows, offsets, self._buffer(0), known)
            self._check_texts(texts)
            return texts
        items, inside = self._field()
        lists = Nested(rows, offsets, self._numbers("int64", items, inside), known)
        self._check_offsets(lists, items)
        return lists

    def end(self) -> None:
        """There must be no field or buffer more."""
        _expect(next(self._nodes, None) is None and next(self._buffers, None) is None)

    def _field(self) -> tuple[int, Place | None]:
        """Rows of the next field, and its bitmap if there are nulls."""
        rows, nulls = next(self._nodes, (-1, 0))
        _expect(rows >= 0)
        place = self._buffer(0)
        size = -(-rows // 8)
        if place[0] == place[1]:
            _expect(nulls == 0)
            return rows, None
        _expect(place[1] - place[0] >= size)
        bits = int.from_bytes(self._memory[place[0] : place[0] + size], "little")
        _expect(rows - (bits & (1 << rows) - 1).bit_count() == nulls)
        return rows, place if nulls else None

    def _buffer(self, least_bytes: int) -> Place:
        place = next(self._buffers, None)
        if place is None or place[1] - place[0] < least_bytes:
            raise _OtherError
        return place

    def _numbers(self, kind: str, rows: int, known: Place | None) -> Numbers:
        return Numbers(kind, rows, self._buffer(rows * int(DTYPES[kind][-1])), known)

    def _check_offsets(self, nested: Nested, size: int) -> Values:
        """See that they lead into what there is: a wrong one would read anywhere."""
        offsets = offsets_of(self._memory, nested)
        _expect(offsets[0] >= 0 and offsets[-1] <= size and bool((np.diff(offsets) >= 0).all()))
        return offsets

    def _check_texts(self, nested: Nested) -> None:
        """See that each is UTF-8: they are together, and none begins inside of a character."""
        assert isinstance(nested.inner, tuple)
        begin, end = nested.inner
        offsets = self._check_offsets(nested, end - begin)
        if offsets[0] == offsets[-1]:
            return
        text = self._memory[begin + int(offsets[0]) : begin + int(offsets[-1])]
        try:
            text.decode()
        except UnicodeDecodeError:
            raise _OtherError from None
        inside = (offsets[offsets < offsets[-1]] - offsets[0]).astype(np.int64)
        _expect(bool((np.frombuffer(text, np.uint8)[inside] & 0xC0 != 0x80).all()))


def _expect(holds: bool) -> None:
    if not holds:
        raise _OtherError


def offsets_of(memory: mmap.mmap, place: Nested) -> Values:
    """Where each list or text begins, and where the last one ends, shape (rows + 1,)."""
    if not place.rows:
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(memory, "<i4", place.rows + 1, place.offsets[0])


def bits_of(memory: mmap.mmap, place: Place, rows: int) -> NDArray[np.bool_]:
    """Which rows are known, of a bitmap, shape (rows,)."""
    packed = np.frombuffer(memory, np.uint8, -(-rows // 8), place[0])
    return np.unpackbits(packed, count=rows, bitorder="little").view(np.bool_)
