"""How often Slurm is asked: soon after something changed, seldom while nothing does."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Rhythm"]


class Rhythm:
    """When the next question is due; the controller serves everybody, so it is asked little.

    Parameters
    ----------
    shortest_s, longest_s
        Between two questions. It doubles with each that brings nothing new.
    clock
        In seconds.

    Examples
    --------
    >>> rhythm = Rhythm(1, 15, clock=iter([0, 0.5, 1, 1, 2.5, 3]).__next__)
    >>> rhythm.asked(news=True), rhythm.is_due(), rhythm.is_due()
    (None, False, True)
    >>> rhythm.asked(news=False), rhythm.is_due(), rhythm.is_due()
    (None, False, True)
    """

    def __init__(
        self,
        shortest_s: float,
        longest_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shortest_s, self._longest_s = shortest_s, longest_s
        self._clock = clock
        self._pause_s = shortest_s
        self._due_s: float | None = None

    def is_due(self) -> bool:
        """Whether to ask now."""
        return self._due_s is None or self._clock() >= self._due_s

    def asked(self, *, news: bool) -> None:
        """Say that it was asked, and whether that brought anything new."""
        self._pause_s = self._shortest_s if news else min(2 * self._pause_s, self._longest_s)
        self._due_s = self._clock() + self._pause_s

    def hurry(self) -> None:
        """Ask at once, and soon again."""
        self._pause_s, self._due_s = self._shortest_s / 2, None
