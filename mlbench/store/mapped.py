"""Files of a run directory in memory: mapped while they grow, and given back as they are read."""

from __future__ import annotations

import mmap
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

__all__ = ["Stored", "mapped", "release"]

Kind_co = TypeVar("Kind_co", covariant=True)

OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""A link is not followed, and a pipe without a writer not waited for."""


@dataclass(frozen=True)
class Stored(Generic[Kind_co]):
    """A table as it lies in a file: its columns are views of what is mapped of it."""

    table: Kind_co
    memory: mmap.mmap | None

    def release(self) -> None:
        """Give the memory of all that was read back; what is read again comes from the file."""
        if self.memory is not None:
            release(self.memory, 0, len(self.memory))


def mapped(path: Path) -> mmap.mmap | None:
    """The file as it is now, in memory; null where it is missing, empty or a link.

    It must not get shorter meanwhile, which would end this process (SIGBUS); an engine only
    ever appends to it.
    """
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


def release(memory: mmap.mmap, begin: int, end: int) -> None:
    """Take pages out of the memory of this process; the file's cache keeps them.

    Views of them stay good: the mapping is of a file and read only, so that the next look
    brings the same bytes back (``madvise(2)``).
    """
    if sys.platform != "win32":  # which has no such call
        begin -= begin % mmap.PAGESIZE
        memory.madvise(mmap.MADV_DONTNEED, begin, end - begin)
