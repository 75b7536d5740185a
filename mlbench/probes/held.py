"""Files of ``/proc`` that are held open, because opening one costs more than reading it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["Held"]

BYTES = 1 << 16


class Held:
    """A file that is read from its beginning again and again.

    A file of a process goes on to name that process, even when its number is used again.

    Raises
    ------
    OSError
        If it cannot be opened, or read; of a process that has ended, ``ProcessLookupError``.
    """

    def __init__(self, path: Path | str, size: int = 4096) -> None:
        self._size = size
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> bytes:
        """What it holds now."""
        data = os.pread(self._fd, self._size, 0)
        while len(data) == self._size and self._size < BYTES:  # it has grown
            self._size *= 2
            data = os.pread(self._fd, self._size, 0)
        return data

    def close(self) -> None:
        """Let it go."""
        with suppress(OSError):
            os.close(self._fd)
