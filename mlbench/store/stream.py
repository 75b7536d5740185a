"""Arrow IPC streams on disk, read while they grow; `mlbench.store.writer` writes them.

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

import pyarrow as pa

from mlbench.records import Table

__all__ = ["read_batches", "read_table", "schema_of"]

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
