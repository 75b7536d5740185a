"""Gamma load: arrivals that are burstier, or more regular, than Poisson."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.load import SHARE, OpenLoad

__all__ = ["Gamma"]


class Gamma(OpenLoad):
    """Gaps between queries are gamma-distributed with mean 1 / rate seconds.

    ``cv`` is the coefficient of variation of the gaps, their standard deviation over their
    mean: 1 is Poisson, above 1 comes in bursts (traces of LLM services show 1 to 4), below
    1 is more regular. Shape 1 / cv², scale cv² / rate.

    Examples
    --------
    >>> from itertools import islice
    >>> due = list(islice(Gamma(rate=100, cv=3).due(Random(1)), 50_000))
    >>> 90 < 50_000 / (due[-1] / 1e9) < 110
    True
    """

    example: ClassVar[str] = "load: {gamma: {rate: 10, cv: 2}}"

    rate: float = Field(ge=1e-6, le=1e6, description=f"mean queries per second; {SHARE}")
    cv: float = Field(ge=0.01, le=100, description="standard deviation of the gaps over their mean")

    def due(self, random: Random) -> Iterator[int]:
        """Due times in ns after the barrier."""
        shape = 1 / self.cv**2
        scale_s = self.cv**2 / self.rate
        due_s = 0.0
        while True:
            due_s += random.gammavariate(shape, scale_s)
            yield round(due_s * 1e9)
