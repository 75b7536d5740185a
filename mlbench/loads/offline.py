"""Offline load: everything is due at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from random import Random
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.load import OpenLoad

__all__ = ["Offline"]


class Offline(OpenLoad):
    """``queries`` are due at the barrier; the load phase ends with the last completion.

    What it measures is throughput. MLPerf's Offline scenario.
    """

    example: ClassVar[str] = "load: {offline: {queries: 1000}}"

    until_last_completion: ClassVar[bool] = True

    queries: int = Field(ge=1, le=100_000_000, description="all of them, due at once")

    def due(self, random: Random) -> Iterator[int]:  # noqa: ARG002  (nothing is drawn)
        """Zero for each query."""
        return repeat(0, self.queries)
