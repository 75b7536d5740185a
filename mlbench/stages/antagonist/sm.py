"""Stage: asks for the multiprocessors of a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from mlbench.interfaces.stage import Context, Payload
from mlbench.stages.antagonist.device import gpu_of, waiting
from mlbench.stages.antagonist.dial import Dialled, Result, slices

__all__ = ["Sm"]

SIDE = 4096
PRODUCTS = 2


class Sm(Dialled):
    """One slice of arithmetic on all streaming multiprocessors of a GPU: ``{gflop_per_s}``.

    For the part ``intensity`` of each slice it multiplies matrices of 4096 x 4096 in half
    precision, which takes all multiprocessors, and for the rest it sleeps: the dial is a
    part of time, not a share of the multiprocessors. 1 is all that the GPU can do and 0 is
    nothing. What it got is the event ``gflop_per_s`` of each span: floating-point operations,
    2 n³ for a product, over the whole slice.

    The data set does not matter, ``external.steps`` has no end; the load is the default,
    ``closed``.
    """

    example: ClassVar[str] = "press: {uses: antagonist.sm, with: {intensity: 0.5}}"

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Result]]:
        """Yield a function that works for a slice."""
        device = gpu_of("antagonist.sm", context)
        import torch

        left, right = torch.rand(2, SIDE, SIDE, device=device, dtype=torch.float16)
        product = torch.empty_like(left)

        def multiply() -> float:
            for _ in range(PRODUCTS):
                torch.mm(left, right, out=product)
            return PRODUCTS * 2 * SIDE**3 / 1e9

        work = waiting(multiply, device)
        work()
        yield slices(work, self.intensity, self.slice_ms, context, "gflop_per_s")
