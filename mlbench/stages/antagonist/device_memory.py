"""Stage: asks for the bandwidth of a GPU's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Payload
from mlbench.stages.antagonist.device import gpu_of, waiting
from mlbench.stages.antagonist.dial import Dialled, Result, slices

__all__ = ["DeviceMemory"]


class DeviceMemory(Dialled):
    """One slice of traffic inside a GPU's memory: ``{gb_per_s}``.

    For the part ``intensity`` of each slice it adds one large array to another, and for the
    rest it sleeps. So 1 is all that the memory can move and 0 is nothing, on any GPU. What
    it got is the event ``gb_per_s`` of each span: bytes read and written, three for each one
    of an array as STREAM counts, over the whole slice.

    The arrays have to be far larger than the GPU's cache. The data set does not matter,
    ``external.steps`` has no end; the load is the default, ``closed``.
    """

    example: ClassVar[str] = "press: {uses: antagonist.device_memory, with: {intensity: 0.5}}"

    mib: int = Field(default=512, ge=2, description="size of both arrays together, MiB")

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Result]]:
        """Yield a function that works for a slice."""
        device = gpu_of("antagonist.device_memory", context)
        import torch

        into = torch.ones(self.mib << 17, device=device)
        other = torch.zeros_like(into)

        def add() -> float:
            torch.add(into, other, out=into)
            return 3 * 4 * len(into) / 1e9

        work = waiting(add, device)
        work()
        yield slices(work, self.intensity, self.slice_ms, context, "gb_per_s")
