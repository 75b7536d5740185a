"""Memory that all processes of a run share: laid out before any of them is forked."""

from __future__ import annotations

import mmap

__all__ = ["Arena"]

BYTES = 1 << 30
"""Room for about ninety pipelines. It is address space: a page is memory once it is used."""

ALIGNMENT = 64


class Arena:
    """Shared memory, handed out piece by piece.

    A process that was forked before the pieces were taken finds them by taking the same
    ones in the same order.

    Parameters
    ----------
    size
        In bytes.
    """

    def __init__(self, size: int = BYTES) -> None:
        flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
        self.memory = mmap.mmap(-1, size, flags=flags)
        self._end = 0

    def take(self, size: int) -> int:
        """The offset of the next ``size`` bytes.

        Raises
        ------
        OSError
            If there is no room for them.
        """
        begin = self._end
        if begin + size > len(self.memory):
            raise OSError(f"the records of so many pipelines do not fit into {BYTES >> 20} MiB")
        self._end = -(-(begin + size) // ALIGNMENT) * ALIGNMENT
        return begin
