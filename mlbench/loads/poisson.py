"""Poisson load: independent users, exponential gaps."""

from __future__ import annotations

from collections.abc import Iterator
from math import log1p
from random import Random
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.load import SHARE, OpenLoad

__all__ = ["Poisson"]


class Poisson(OpenLoad):
    """Gaps between queries are exponential with mean 1 / rate seconds.

    Examples
    --------
    >>> from itertools import islice
    >>> first = list(islice(Poisson(rate=10).due(Random(7)), 3))
    >>> first == list(islice(Poisson(rate=10).due(Random(7)), 5))[:3]
    True
    """

    example: ClassVar[str] = "load: {poisson: {rate: 10}}"

    rate: float = Field(ge=1e-6, le=1e6, description=f"mean queries per second; {SHARE}")

    def due(self, random: Random) -> Iterator[int]:
        """Due times in ns after the barrier."""
        due_s = 0.0
        while True:
            due_s -= log1p(-random.random()) / self.rate
            yield round(due_s * 1e9)
