"""Stage: asks for the bandwidth of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Payload
from mlbench.stages.antagonist.dial import Dialled, Result, slices

__all__ = ["Memory"]

BLOCK_BYTES = 1 << 20
"""Of each array, for each thread: added up in some tenths of a millisecond."""


class Memory(Dialled):
    """One slice of traffic to main memory: ``{gb_per_s}``.

    For the part ``intensity`` of each slice it adds one large array to another, block after
    block, with all threads of the pipeline, and for the rest it sleeps. So 1 is all that
    these processors can move and 0 is nothing, on any machine; a single processor seldom
    moves all that the memory can. What it got is the event ``gb_per_s`` of each span: bytes
    read and written, three for each one of a block as STREAM counts, over the whole slice.

    The arrays have to be far larger than the last cache. The data set does not matter,
    ``external.steps`` has no end; the load is the default, ``closed``.
    """

    example: ClassVar[str] = "press: {uses: antagonist.memory, with: {intensity: 0.5}}"

    mib: int = Field(default=256, ge=2, description="size of both arrays together, MiB")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Result]]:
        """Yield a function that works for a slice."""
        import torch

        # Filled, not torch.zeros: pages that nobody has written all read from one page.
        into, other = (torch.empty(self.mib << 17).fill_(value) for value in (1.0, 0.0))
        size = min(context.threads * BLOCK_BYTES // 4, len(into))
        blocks = cycle(list(zip(torch.split(into, size), torch.split(other, size), strict=True)))

        def add() -> float:
            block, more = next(blocks)
            torch.add(block, more, out=block)
            return 3 * 4 * len(block) / 1e9

        add()
        yield slices(add, self.intensity, self.slice_ms, context, "gb_per_s")
