"""Step load: one rate after the other."""

from __future__ import annotations

from collections.abc import Iterator
from math import log1p
from random import Random
from typing import Annotated, ClassVar

from pydantic import Field

from mlbench.interfaces.load import OpenLoad

__all__ = ["Steps"]


class Steps(OpenLoad):
    """Poisson arrivals, each of ``rates`` for ``seconds``; the load ends after the last.

    One run shows where a service saturates: latency against offered rate, step by step.
    A rate of 0 is a pause.
    """

    example: ClassVar[str] = "load: {steps: {rates: [5, 10, 20], seconds: 30}}"

    rates: tuple[Annotated[float, Field(ge=0, le=1e6)], ...] = Field(
        min_length=1, description="queries per second of each step"
    )
    seconds: float = Field(gt=0, le=1e7, description="length of each step")

    def due(self, random: Random) -> Iterator[int]:
        """Due times in ns after the barrier."""
        needed = -log1p(-random.random())
        for step, rate in enumerate(self.rates):
            at_s, left = step * self.seconds, rate * self.seconds
            while rate and needed <= left:
                at_s, left = at_s + needed / rate, left - needed
                yield round(at_s * 1e9)
                needed = -log1p(-random.random())
            needed -= left
