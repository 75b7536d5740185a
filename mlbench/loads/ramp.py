"""Ramp load: a rate that grows or falls steadily."""

from __future__ import annotations

from collections.abc import Iterator
from math import log1p, sqrt
from random import Random
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.load import OpenLoad

__all__ = ["Ramp"]

SMALLEST_SLOPE = 1e-12


class Ramp(OpenLoad):
    """Poisson arrivals whose rate goes from ``start`` to ``end`` in ``seconds``, and stays there.

    The i-th arrival is where the integral of the rate reaches the sum of i exponential
    variables of mean 1 (time rescaling), so the arrivals are exact, not binned.
    """

    example: ClassVar[str] = "load: {ramp: {start: 1, end: 20, seconds: 60}}"

    start: float = Field(ge=0, le=1e6, description="queries per second at the beginning")
    end: float = Field(ge=1e-6, le=1e6, description="queries per second after `seconds`")
    seconds: float = Field(gt=0, le=1e7, description="from `start` to `end`")

    def due(self, random: Random) -> Iterator[int]:
        """Due times in ns after the barrier."""
        expected = 0.0
        while True:
            expected -= log1p(-random.random())
            yield round(self._second_of(expected) * 1e9)

    def _second_of(self, expected: float) -> float:
        """The time by which ``expected`` queries are due on average."""
        slope = (self.end - self.start) / self.seconds
        on_ramp = (self.start + self.end) / 2 * self.seconds
        if expected >= on_ramp:
            return self.seconds + (expected - on_ramp) / self.end
        if abs(slope) < SMALLEST_SLOPE:
            return expected / self.end
        root = sqrt(max(0.0, self.start**2 + 2 * slope * expected))
        return 2 * expected / (self.start + root)
