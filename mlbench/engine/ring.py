"""A ring of records in memory that two processes share: one packs rows, the recorder takes them.

A row is complete when its last field holds its own number plus one. So a row that was
packed survives whatever happens to the process that packed it, packing needs no system
call and no lock, and threads of one process may share a ring: each takes the next number
from an `itertools.count`, which is atomic under the interpreter lock. A thread that is alone
with a ring counts by itself, which is faster.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

from mlbench.engine.arena import Arena

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Numbers", "RecordsFullError", "Ring"]

HEADER = 64
CHUNK_ROWS = 1024
STALL_LIMIT_NS = 10_000_000_000
STALL_SLEEP_S = 0.0005


class RecordsFullError(RuntimeError):
    """The recorder did not take rows for ten seconds; the pipeline ends rather than drop one."""


class Numbers:
    """The numbers of a ring that one thread writes, whichever of its functions puts a row.

    Parameters
    ----------
    next
        The number of the next row. Who counts on in a variable of its own puts it back here
        before it lets another function put a row.
    """

    __slots__ = ("next",)

    def __init__(self, next: int) -> None:  # noqa: A002
        self.next = next

    def __iter__(self) -> Numbers:
        return self

    def __next__(self) -> int:
        self.next += 1
        return self.next - 1


class Ring:
    """Rows of eight-byte fields, in numbered slots that are used again once they were taken.

    Parameters
    ----------
    row
        Format characters of `struct`, ``q`` or ``d``, without the row's number.
    slots
        Rows that it holds, a power of two.
    arena
        The memory that it lies in; default one of its own.

    Its rows begin at ``base`` in ``buffer``; ``table`` is their part of it alone.
    """

    def __init__(self, row: str, slots: int, arena: Arena | None = None) -> None:
        if slots & (slots - 1):
            raise ValueError("a ring has a power of two slots")
        # For q, CPython takes an int above 2**30 apart, byte by byte, as each of our times is
        # one; n is as wide, and a third faster.
        layout = struct.Struct("@" + f"{row}q".replace("q", "n"))
        self.row = row
        self.slots = slots
        self.mask = slots - 1
        self.width = layout.size
        size = HEADER + slots * layout.size
        arena = arena or Arena(size)
        begin = arena.take(size)
        self.buffer = arena.memory
        self.base = begin + HEADER
        self.table = memoryview(self.buffer)[self.base : begin + size]
        self.pack = layout.pack_into
        self._unpack = layout.unpack_from
        self.numbers: Iterator[int] = count()
        self.limit = slots
        self.stalled_ns = 0
        self._taken = memoryview(self.buffer)[begin : begin + 8].cast("q")

    def put(self, *fields: float) -> int:
        """Pack one row and return its number; waits where the ring is full.

        Raises
        ------
        RecordsFullError
            If the recorder takes nothing for ten seconds.
        """
        number = next(self.numbers)
        self.fill(number, *fields)
        return number

    def fill(self, number: int, *fields: float) -> None:
        """Pack the row of a number that was taken before; waits as `put` does."""
        if number >= self.limit:
            self.wait(number)
        offset = self.base + (number & self.mask) * self.width
        self.pack(self.buffer, offset, *fields, number + 1)

    def wait(self, number: int) -> int:
        """Wait until slot ``number`` is free; returns the first number that is not."""
        self.limit = self._taken[0] + self.slots
        if number < self.limit:
            return self.limit
        begin_ns = time.monotonic_ns()
        while number >= self.limit:
            if time.monotonic_ns() - begin_ns > STALL_LIMIT_NS:
                raise RecordsFullError("the recorder took no record for 10 s")
            time.sleep(STALL_SLEEP_S)  # the recorder is late: between stages, never inside one
            self.limit = self._taken[0] + self.slots
        self.stalled_ns += time.monotonic_ns() - begin_ns
        return self.limit

    def alone(self) -> Numbers:
        """The numbers from here on, where only one thread puts rows: it may set the next."""
        if not isinstance(self.numbers, Numbers):
            self.numbers = Numbers(next(self.numbers))
        return self.numbers

    def holds(self, rows: int) -> bool:
        """Whether so many rows have come since the last `take`, as the last of them shows."""
        number = self._taken[0] + rows
        offset = self.base + ((number - 1) & self.mask) * self.width
        *_, mark = self._unpack(self.buffer, offset)
        return bool(mark == number)

    def take(self, final: bool = False) -> NDArray[np.int64]:
        """All complete rows since the last call, as int64 of shape ``(rows, fields + 1)``.

        The last field is the row's number plus one.
        Stops at a row that is not complete. With ``final``, when the writer is gone, such
        rows are passed over, up to a thousand of them in sequence: a thread leaves one.
        """
        import numpy as np

        begin = end = int(self._taken[0])
        if not final and not self.holds(1):
            return np.empty((0, self.width // 8), np.int64)
        parts, missing = [], 0
        while end < begin + self.slots:
            rows = self._chunk(end, begin + self.slots)
            marks = rows[:, -1]
            complete = marks == np.arange(end + 1, end + len(marks) + 1)
            if complete.all():
                parts.append(rows)
            elif not final:
                size = int(complete.argmin())
                parts.append(rows[:size])
                end += size
                break
            else:
                parts.append(rows[complete])
            missing = 0 if complete.any() else missing + len(marks)
            if missing >= CHUNK_ROWS:
                break
            end += len(marks)
        taken = np.concatenate(parts)
        self._taken[0] = end
        return taken

    def _chunk(self, begin: int, limit: int) -> NDArray[np.int64]:
        """The slots from number ``begin`` on, not past ``limit``."""
        import numpy as np

        first, fields = begin & self.mask, self.width // 8
        size = min(CHUNK_ROWS, self.slots - first, limit - begin)
        offset = self.base + first * self.width
        flat = np.frombuffer(self.buffer, np.int64, size * fields, offset)
        return flat.reshape(size, fields)
