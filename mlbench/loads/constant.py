"""Constant load: queries at equal distances."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.load import SHARE, OpenLoad

__all__ = ["Constant"]


class Constant(OpenLoad):
    """Query i is due at i / rate seconds.

    Examples
    --------
    >>> from itertools import islice
    >>> list(islice(Constant(rate=1000).due(Random(0)), 3))
    [0, 1000000, 2000000]
    """

    example: ClassVar[str] = "load: {constant: {rate: 10}}"

    rate: float = Field(ge=1e-6, le=1e6, description=f"queries per second; {SHARE}")

    def due(self, random: Random) -> Iterator[int]:  # noqa: ARG002  (nothing is drawn)
        """Due times in ns after the barrier."""
        return (round(i * 1e9 / self.rate) for i in count())
