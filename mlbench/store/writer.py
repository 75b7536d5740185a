"""Writes tables as Arrow IPC streams, batch by batch, from rows of plain integers.

By nanoarrow: the recorder shares the machine with what is measured, and pyarrow, by which
`mlbench.store.stream` reads, takes a quarter of a second of a core and 30 MB to import.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nanoarrow as na
import numpy as np
from nanoarrow.c_array_stream import CArrayStream
from nanoarrow.ipc import StreamWriter as ArrowWriter

from mlbench.records import NULL, Column, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StreamWriter"]

Array = Any
"""An array of nanoarrow; Any: it has no types."""

_TYPES = {
    "int64": na.int64,
    "int32": na.int32,
    "float64": na.float64,
    "utf8": na.string,
    "list<int64>": lambda nullable: na.list_(na.int64(), nullable=nullable),
}


class StreamWriter:
    """Writes rows of a ring as batches of one table.

    Raises
    ------
    OSError
        From every method, if the disk does not take it.
    """

    def __init__(self, path: Path, table: Table) -> None:
        self._columns = table.columns
        types = {each.name: _TYPES[each.kind](nullable=each.nullable) for each in table.columns}
        self._types = list(types.values())
        self._schema = na.c_schema(na.struct(types, nullable=False))
        self._file = path.open("wb", buffering=0)
        self._message = io.BytesIO()
        self._refused: OSError | None = None
        self._stream = ArrowWriter.from_writable(self._message)
        self._stream.write_stream(CArrayStream.from_c_arrays([], self._schema))
        self._flush()

    def write(
        self,
        rows: NDArray[np.int64],
        links: dict[int, list[int]] | None = None,
        texts: dict[int, str] | None = None,
    ) -> None:
        """Write one batch.

        Parameters
        ----------
        rows
            Shape ``(n, fields)``: a field for each column, in order; a float64 column's
            bits as int64.
        links
            Further parents by span, for a list column; those of these rows are taken out.
        texts
            Texts by query, for a text column; those of these rows are taken out.
        """
        self._see_that_it_goes_on()
        arrays = [
            _array(column, kind, rows, index, links, texts)
            for index, (column, kind) in enumerate(zip(self._columns, self._types, strict=True))
        ]
        batch = na.c_array_from_buffers(self._schema, len(rows), [None], children=arrays, move=True)
        self._stream.write_array(batch)
        self._flush()

    def close(self) -> None:
        """Write the end of the stream."""
        with self._file:
            self._see_that_it_goes_on()
            self._stream.close()
            self._flush()

    def _see_that_it_goes_on(self) -> None:
        if self._refused is not None:
            raise self._refused

    def _flush(self) -> None:
        """Hand a whole message to the disk, which may take it in parts.

        Nothing follows one of which a part was not taken: a reader would take it for the rest.
        """
        try:
            with self._message.getbuffer() as message:
                written = 0
                while written < len(message):
                    written += self._file.write(message[written:]) or 0
        except OSError as error:
            self._refused = error
            raise
        self._message.seek(0)
        self._message.truncate()


def _array(
    column: Column,
    kind: Array,
    rows: NDArray[np.int64],
    index: int,
    links: dict[int, list[int]] | None,
    texts: dict[int, str] | None,
) -> Array:
    field = np.ascontiguousarray(rows[:, index])
    if column.kind == "list<int64>":
        return _lists(kind, rows[:, 0], field, links if links is not None else {})
    if column.kind == "utf8":
        return _texts(kind, rows[:, 0], field, texts if texts is not None else {})
    valid = None
    if column.nullable:
        known = field != NULL
        valid, field = _bits(known), np.where(known, field, 0)
    if column.kind == "int32":
        return na.c_array_from_buffers(kind, len(field), [valid, field.astype(np.int32)])
    return na.c_array_from_buffers(kind, len(field), [valid, field])


def _bits(known: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The validity bitmap of a column."""
    return np.packbits(known, bitorder="little")


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _texts(
    kind: Array, queries: NDArray[np.int64], told: NDArray[np.int64], texts: dict[int, str]
) -> Array:
    """The text of each query that has one; most have none."""
    lengths = np.zeros(len(told), dtype=np.int64)
    known = told != 0
    parts = []
    for row in np.flatnonzero(known):
        part = texts.pop(int(queries[row]), "").encode()
        lengths[row] = len(part)
        parts.append(part)
    buffers = [_bits(known), _offsets(lengths), b"".join(parts)]
    return na.c_array_from_buffers(kind, len(told), buffers)


def _lists(
    kind: Array,
    spans: NDArray[np.int64],
    first: NDArray[np.int64],
    links: dict[int, list[int]],
) -> Array:
    """One list for each span: its first parent, if any, and those that ``links`` adds."""
    rows = np.flatnonzero(first != NULL)
    values = first[rows]
    if links:
        joined = np.flatnonzero(np.isin(spans, list(links)))
        further = [(row, parent) for row in joined for parent in links.pop(int(spans[row]))]
        added = np.array(further, dtype=np.int64).reshape(-1, 2)
        rows, values = np.concatenate((rows, added[:, 0])), np.concatenate((values, added[:, 1]))
        order = np.argsort(rows, kind="stable")  # the first parent of each span stays in front
        rows, values = rows[order], values[order]
    child = na.c_array_from_buffers(na.int64(), len(values), [None, values])
    offsets = _offsets(np.bincount(rows, minlength=len(spans)))
    return na.c_array_from_buffers(kind, len(spans), [None, offsets], children=[child])
