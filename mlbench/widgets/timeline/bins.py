"""Bins: what thousands of values look like in a few hundred pixels, as a browser gets them.

Bins have a width from a ladder and stand at whole multiples of it, so that one that has passed
never changes, however the view moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np
from numpy.typing import NDArray

from mlbench.widgets.timeline.track import Track

__all__ = ["Grid", "binned", "grid_of"]

STEPS = (1, 2, 5, 10)
FINEST_NS = 100_000
"""Of 0.1 ms: no probe reads that often, and few stages are that short."""


@dataclass(frozen=True)
class Grid:
    """Bins in a row.

    Parameters
    ----------
    zero_ns
        Where bin 0 begins.
    width_ns
        Of each.
    first, count
        The number of the first, negative before the zero, and how many there are.
    """

    zero_ns: int
    width_ns: int
    first: int
    count: int

    @property
    def edges(self) -> NDArray[np.int64]:
        """Their edges, ns, shape (count + 1,)."""
        return self.zero_ns + self.width_ns * np.arange(
            self.first, self.first + self.count + 1, dtype=np.int64
        )

    @property
    def end(self) -> int:
        """The number after the last."""
        return self.first + self.count

    def from_bin(self, first: int, end: int) -> Grid:
        """Bins of the same width and zero, from one number to before another."""
        return Grid(self.zero_ns, self.width_ns, first, max(0, end - first))

    def place(self, time_ns: int) -> int:
        """The number of the bin that an instant is in."""
        return (time_ns - self.zero_ns) // self.width_ns


def grid_of(zero_ns: int, begin_ns: int, end_ns: int, most: int) -> Grid:
    """The finest bins of the ladder 1, 2, 5, 10 that are at most ``most`` in a stretch.

    Examples
    --------
    >>> grid_of(0, 0, 10**9, 600)
    Grid(zero_ns=0, width_ns=2000000, first=0, count=500)
    """
    wanted = max(FINEST_NS, (end_ns - begin_ns) / most)
    power = 10 ** floor(log10(wanted))
    width_ns = next(step * power for step in STEPS if step * power >= wanted * (1 - 1e-9))
    first = floor((begin_ns - zero_ns) / width_ns)
    return Grid(zero_ns, width_ns, first, ceil((end_ns - zero_ns) / width_ns) - first)


def binned(track: Track, grid: Grid) -> NDArray[np.float32]:
    """Mean, least and greatest value of each bin, shape (3, bins); not a number where none is.

    Examples
    --------
    >>> track = Track()
    >>> track.add(np.array([0, 1, 5]), np.array([1.0, 3.0, 7.0]))
    >>> binned(track, Grid(0, 2, 0, 3)).tolist()
    [[2.0, nan, 7.0], [1.0, nan, 7.0], [3.0, nan, 7.0]]
    """
    found = np.full((3, grid.count), np.nan, np.float32)
    places = np.searchsorted(track.times, grid.edges)
    starts, ends = places[:-1], places[1:]
    full = np.flatnonzero(ends > starts)
    if not full.size:
        return found
    values = track.values[: places[-1]]
    firsts = starts[full]
    counts = (ends - starts)[full]
    found[0, full] = np.add.reduceat(values, firsts, dtype=np.float64) / counts
    found[1, full] = np.minimum.reduceat(values, firsts)
    found[2, full] = np.maximum.reduceat(values, firsts)
    return found
