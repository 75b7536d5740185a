"""A page of counters in memory that a worker shares with the supervisor and the driver."""

from __future__ import annotations

import mmap
from enum import IntEnum

__all__ = ["Command", "Page", "Slot"]


class Command(IntEnum):
    """What the supervisor asks of a worker between two queries."""

    NONE = 0
    STOP = 1
    CANCEL = 2


class Slot(IntEnum):
    """The counters of a page, eight bytes each."""

    COMMAND = 0
    RECEIVED = 1
    ENDED = 2
    FAILED = 3
    OLDEST_QUERY = 4
    OLDEST_STARTED_NS = 5
    STALLED_NS = 6


class Page:
    """Counters, read and written as ``page.cells[Slot.ENDED]``: one writer for each."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        # An l is as wide as a q here, and CPython stores an int above 2**30 faster as one.
        self.cells = memoryview(self._memory)[: 8 * len(Slot)].cast("l")

    def clear(self) -> None:
        """Forget what the warm-up counted; keep the command."""
        for slot in Slot:
            if slot is not Slot.COMMAND:
                self.cells[slot] = 0
