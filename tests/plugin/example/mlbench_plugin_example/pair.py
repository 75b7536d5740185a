"""Load: two queries at once, every second."""

from collections.abc import Iterator
from itertools import count
from random import Random

from mlbench.interfaces.load import OpenLoad


class Pair(OpenLoad):
    """Queries 2i and 2i + 1 are due after i times ``gap`` seconds."""

    gap: float = 1

    def due(self, random: Random) -> Iterator[int]:
        """Due times in ns after the barrier."""
        return (round(i // 2 * self.gap * 1e9) for i in count())
