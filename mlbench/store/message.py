"""Messages of an Arrow IPC stream: where in the file the buffers of each batch lie.

Read by hand, for who needs columns of numbers alone (`mlbench.store.columns`): to import
pyarrow takes 30 MB and a tenth of a second of a core. What a message says is believed no more
than pyarrow does: every offset is looked at before it is followed.

The format: https://arrow.apache.org/docs/format/Columnar.html, "Encapsulated message format",
and Arrow's ``Message.fbs``; how a flatbuffer is laid out: https://flatbuffers.dev/internals.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["SCHEMA", "Message", "message_at"]

SCHEMA, BATCH = 1, 3
"""What a message is, ``MessageHeader``."""

CONTINUATION = 0xFFFFFFFF
PREFIX = struct.Struct("<II")
PAIR = struct.Struct("<qq")

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Message:
    """One message that is there as a whole.

    Parameters
    ----------
    kind
        `SCHEMA`, or another number of ``MessageHeader``.
    end
        Offset of the next one.
    rows
        Of a batch; of another kind none.
    nodes
        For each field, those inside of a list too, its rows and how many of these are null.
    buffers
        For each buffer its first and its last offset in the file, the latter left out.
    """

    kind: int
    end: int
    rows: int = 0
    nodes: Pairs = ()
    buffers: Pairs = ()


def message_at(memory: memoryview, offset: int) -> Message | None:
    """The message that begins at ``offset``.

    Returns
    -------
    Message or None
        Null at the end of the stream, where a message is torn, or where something else stands.
    """
    try:
        marker, size = PREFIX.unpack_from(memory, offset)
        begin = offset + PREFIX.size
        if marker != CONTINUATION or not size or begin + size > len(memory):
            return None
        return _read(_Flat(memory[begin : begin + size]), begin + size, len(memory))
    except (struct.error, _DamagedError):
        return None


class _DamagedError(Exception):
    """A message says what cannot be."""


@dataclass(frozen=True)
class _Flat:
    """A flatbuffer; every method raises where it leads out of it."""

    data: memoryview

    def number(self, kind: str, at: int) -> int:
        if at < 0:  # `struct` counts such from the end
            raise _DamagedError
        found: int = struct.unpack_from(f"<{kind}", self.data, at)[0]
        return found

    def follow(self, at: int) -> int:
        """Where an offset that stands at ``at`` leads."""
        return at + self.number("I", at)

    def field(self, table: int, index: int) -> int | None:
        """Where a field of a table stands; null if it is left out."""
        names = table - self.number("i", table)
        if 4 + 2 * index >= self.number("H", names):
            return None
        offset = self.number("H", names + 4 + 2 * index)
        return table + offset if offset else None

    def value(self, kind: str, table: int, index: int) -> int:
        """A field that is a number; 0 if it is left out."""
        at = self.field(table, index)
        return 0 if at is None else self.number(kind, at)

    def pairs(self, table: int, index: int) -> Pairs:
        """A field that is a vector of two numbers each, ``FieldNode`` or ``Buffer``."""
        at = self.field(table, index)
        if at is None:
            return ()
        vector = self.follow(at)
        end = vector + 4 + PAIR.size * self.number("I", vector)
        if end > len(self.data):
            raise _DamagedError
        return tuple(PAIR.iter_unpack(self.data[vector + 4 : end]))


def _read(flat: _Flat, body: int, size: int) -> Message:
    """The message in a flatbuffer whose body begins at an offset of a file of that size."""
    root = flat.follow(0)
    kind, length = flat.value("B", root, 1), flat.value("q", root, 3)
    if length < 0 or body + length > size:
        raise _DamagedError
    if kind != BATCH:
        return Message(kind, body + length)
    header = flat.field(root, 2)
    if header is None:
        raise _DamagedError
    batch = flat.follow(header)
    if flat.field(batch, 3) is not None:  # compressed: ours never are, and 20 KB may be gigabytes
        raise _DamagedError
    buffers = flat.pairs(batch, 2)
    if any(begin < 0 or count < 0 or begin + count > length for begin, count in buffers):
        raise _DamagedError
    places = tuple((body + begin, body + begin + count) for begin, count in buffers)
    return Message(kind, body + length, flat.value("q", batch, 0), flat.pairs(batch, 1), places)
