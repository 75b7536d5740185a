"""Arrow IPC streams on disk, read while they grow; `mlbench.store.writer` writes them.

Fixed schemas, no dictionary batches (they cannot be tailed). A reader keeps the offset
after the last whole message; a torn end costs one batch.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from mlbench.records import Table
from mlbench.store.mapped import Stored, mapped, release

__all__ = ["read_batches", "read_stored", "read_table", "schema_of"]

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


def read_batches(path: Path, table: Table, offset: int = 0) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The whole batches from ``offset`` on, each with the offset after it, without copying.

    ``offset`` is 0 or one that came from here. Ends at a torn or foreign message.
    """
    memory = mapped(path)
    if memory is not None and offset <= len(memory):
        yield from _batches(memory, schema_of(table), offset)


def _batches(
    memory: mmap.mmap, schema: pa.Schema, offset: int
) -> Iterator[tuple[pa.RecordBatch, int]]:
    reader = pa.BufferReader(pa.py_buffer(memory))
    reader.seek(offset)
    while (message := _message(reader)) is not None:
        if message.type == "schema" and offset == 0:
            continue
        batch = _batch(message, schema)
        if batch is None:
            return
        yield batch, reader.tell()
        release(memory, offset, reader.tell())  # of what was looked at to see whether it is whole
        offset = reader.tell()


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
    if root is None:  # a message without a header, which pyarrow lets pass
        return True
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
    return read_stored(path, table).table


def read_stored(path: Path, table: Table) -> Stored[pa.Table]:
    """The same, with what gives its memory back."""
    memory, schema = mapped(path), schema_of(table)
    batches = [] if memory is None else [batch for batch, _ in _batches(memory, schema, 0)]
    return Stored(pa.Table.from_batches(batches, schema=schema), memory)
