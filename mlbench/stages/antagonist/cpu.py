"""Stage: asks for processors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from mlbench.interfaces.stage import Context, Payload
from mlbench.stages.antagonist.dial import Dialled, Result, slices

__all__ = ["Cpu"]

SIDE = 192
"""Three matrices of 147 kB stay in the second-level cache; their product takes below 1 ms."""


class Cpu(Dialled):
    """One slice of arithmetic on the pipeline's processors: ``{gflop_per_s}``.

    For the part ``intensity`` of each slice it multiplies matrices that stay in the caches,
    one for each thread of the pipeline, and for the rest it sleeps. So 1 is all that these
    processors can do and 0 is nothing, on any machine, and nothing has to be calibrated.
    Where others want the same processors the dial says how much it asks for, not how much
    it gets. What it got is the event ``gflop_per_s`` of each span: floating-point operations,
    2 n³ for a product, over the whole slice.

    The data set does not matter, ``external.steps`` has no end; the load is the default,
    ``closed``.
    """

    example: ClassVar[str] = "press: {uses: antagonist.cpu, with: {intensity: 0.5}}"

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Result]]:
        """Yield a function that works for a slice."""
        import torch

        left, right = torch.rand(2, context.threads, SIDE, SIDE)
        product = torch.empty_like(left)
        gflop = context.threads * 2 * SIDE**3 / 1e9

        def multiply() -> float:
            torch.bmm(left, right, out=product)
            return gflop

        multiply()
        yield slices(multiply, self.intensity, self.slice_ms, context, "gflop_per_s")
