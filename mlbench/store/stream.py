"""Arrow IPC streams on disk: written batch by batch, read while they grow.

Fixed schemas, no dictionary batches (they cannot be tailed). A reader keeps the offset
after the last whole message; a torn end costs one batch.
"""

from __future__ import annotations

import mmap
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlbench.records import NULL, Column, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StreamWriter", "read_batches", "read_table", "schema_of"]

OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""A link is not followed, and a pipe without a writer not waited for."""

_TYPES = {
    "int64": pa.int64(),
    "int32": pa.int32(),
    "float64": pa.float64(),
    "utf8": pa.utf8(),
    "list<int64>": pa.list_(pa.int64()),
}


def schema_of(table: Table) -> pa.Schema:
    """The Arrow schema of a table."""
    return pa.schema(
        pa.field(column.name, _TYPES[column.kind], nullable=column.nullable)
        for column in table.columns
    )


class StreamWriter:
    """Writes rows of a ring as batches of one table.

    Raises
    ------
    OSError
        From every method, if the disk does not take it.
    """

    def __init__(self, path: Path, table: Table) -> None:
        self._table = table
        self._schema = schema_of(table)
        self._file = path.open("wb", buffering=0)
        self._stream = pa.ipc.new_stream(self._file, self._schema)

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
        arrays = [
            _array(column, rows, index, links, texts)
            for index, column in enumerate(self._table.columns)
        ]
        self._stream.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the end of the stream."""
        self._stream.close()
        self._file.close()


# Arrays are made of buffers: `pyarrow.array` imports pandas to look at what it gets, which
# takes 80 MB and a quarter of a second in a process that shares a machine under measurement.


def _array(
    column: Column,
    rows: NDArray[np.int64],
    index: int,
    links: dict[int, list[int]] | None,
    texts: dict[int, str] | None,
) -> pa.Array:
    field = np.ascontiguousarray(rows[:, index])
    if column.kind == "list<int64>":
        return _lists(rows[:, 0], field, links if links is not None else {})
    if column.kind == "utf8":
        return _texts(rows[:, 0], field, texts if texts is not None else {})
    valid = None
    if column.nullable:
        known = field != NULL
        valid, field = _bits(known), np.where(known, field, 0)
    if column.kind == "int32":
        field = field.astype(np.int32)
    return pa.Array.from_buffers(_TYPES[column.kind], len(field), [valid, pa.py_buffer(field)])


def _bits(known: NDArray[np.bool_]) -> pa.Buffer:
    """The validity bitmap of a column."""
    return pa.py_buffer(np.packbits(known, bitorder="little"))


def _offsets(lengths: NDArray[np.int64]) -> pa.Buffer:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.py_buffer(offsets)


def _texts(queries: NDArray[np.int64], told: NDArray[np.int64], texts: dict[int, str]) -> pa.Array:
    """The text of each query that has one; most have none."""
    lengths = np.zeros(len(told), dtype=np.int64)
    known = told != 0
    parts = []
    for row in np.flatnonzero(known):
        part = texts.pop(int(queries[row]), "").encode()
        lengths[row] = len(part)
        parts.append(part)
    buffers = [_bits(known), _offsets(lengths), pa.py_buffer(b"".join(parts))]
    return pa.Array.from_buffers(pa.utf8(), len(told), buffers)


def _lists(
    spans: NDArray[np.int64], first: NDArray[np.int64], links: dict[int, list[int]]
) -> pa.Array:
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
    child = pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])
    buffers = [None, _offsets(np.bincount(rows, minlength=len(spans)))]
    return pa.Array.from_buffers(_TYPES["list<int64>"], len(spans), buffers, children=[child])


def read_batches(path: Path, table: Table, offset: int = 0) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The whole batches from ``offset`` on, each with the offset after it, without copying.

    ``offset`` is 0 or one that came from here. Ends at a torn or foreign message.
    """
    memory = _mapped(path)
    if memory is None or offset > len(memory):
        return
    schema = schema_of(table)
    reader = pa.BufferReader(pa.py_buffer(memory))
    reader.seek(offset)
    while (message := _message(reader)) is not None:
        if message.type == "schema" and offset == 0:
            continue
        batch = _batch(message, schema)
        if batch is None:
            return
        yield batch, reader.tell()


def _mapped(path: Path) -> mmap.mmap | None:
    """The file as it is now, in memory; null where it is missing, empty or a link."""
    try:
        descriptor = os.open(path, OPEN_FLAGS)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file cannot be mapped
        return None
    finally:
        os.close(descriptor)


def _message(reader: pa.BufferReader) -> pa.Message | None:
    """The next whole message; null at the end, or where something else stands."""
    try:
        return pa.ipc.read_message(reader)
    except (pa.ArrowInvalid, OSError, EOFError, MemoryError):
        return None


def _batch(message: pa.Message, schema: pa.Schema) -> pa.RecordBatch | None:
    """The batch in a message; null where its buffers do not hold what it says."""
    if message.type != "record batch" or _is_compressed(message.metadata.to_pybytes()):
        return None
    try:
        batch = pa.ipc.read_record_batch(message, schema)
        batch.validate(full=True)  # offsets of lists and texts: a wrong one reads anywhere
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, MemoryError):
        return None
    return batch


def _is_compressed(metadata: bytes) -> bool:
    """Whether a record batch says that it is; ours never are, and 20 KB may unpack to gigabytes.

    pyarrow has verified the flatbuffer, and has no word for this (Arrow's ``Message.fbs``).
    """
    root = _field(metadata, struct.unpack_from("<I", metadata)[0], 2)
    assert root is not None  # a message has a header
    return _field(metadata, root + struct.unpack_from("<I", metadata, root)[0], 3) is not None


def _field(data: bytes, table: int, index: int) -> int | None:
    """Where a field of a flatbuffer's table stands; null if it is left out."""
    names = table - struct.unpack_from("<i", data, table)[0]
    if 4 + 2 * index >= struct.unpack_from("<H", data, names)[0]:
        return None
    offset = struct.unpack_from("<H", data, names + 4 + 2 * index)[0]
    return table + offset if offset else None


def read_table(path: Path, table: Table) -> pa.Table:
    """All whole batches of a stream; an empty table where there is no file."""
    batches = [batch for batch, _ in read_batches(path, table)]
    return pa.Table.from_batches(batches, schema=schema_of(table))
