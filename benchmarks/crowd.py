"""Stages for the benchmark of the sampler: many processes, and a step of a millisecond."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlbench.interfaces.stage import Context, Stage

__all__ = ["Crowd", "TorchStep"]


class Crowd(Stage):
    """Holds some processes that do nothing, and waits in each query."""

    takes, gives = int, int
    children: int = 9
    seconds: float = 0.05

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[int], int]]:  # noqa: ARG002
        """Yield the wait; the processes end with it."""
        idle = [subprocess.Popen(["sleep", "1000"]) for _ in range(self.children)]

        def wait(number: int) -> int:
            time.sleep(self.seconds)
            return number

        try:
            yield wait
        finally:
            for process in idle:
                process.kill()
                process.wait()


class TorchStep(Stage):
    """Multiplies matrices for about a millisecond on one thread."""

    takes, gives = int, int
    size: int = 320

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[int], int]]:  # noqa: ARG002
        """Yield the multiplication."""
        import torch

        torch.set_num_threads(1)
        left, right = torch.rand(self.size, self.size), torch.rand(self.size, self.size)

        def step(number: int) -> int:
            torch.mm(left, right)
            return number

        yield step
