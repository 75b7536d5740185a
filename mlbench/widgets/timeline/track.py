"""Track: the values of one metric of one device or pipeline, by time, in bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlbench.analysis.arrays import Integers

__all__ = ["LIMIT", "Track"]

Singles = NDArray[np.float32]

LIMIT = 1 << 17
"""Values that a track holds: 109 minutes at 20 Hz, in 1.5 MiB."""

FIRST = 256


class Track:
    """Grows at its end; when it is full, its older half keeps the extremes of every four values.

    Parameters
    ----------
    limit
        Values that are held; a power of two, 8 or more.

    Examples
    --------
    >>> track = Track()
    >>> track.add(np.array([20, 10]), np.array([2.0, 1.0]))
    >>> track.times.tolist(), track.values.tolist()
    ([10, 20], [1.0, 2.0])
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._times: Integers = np.empty(FIRST, np.int64)
        self._values: Singles = np.empty(FIRST, np.float32)
        self._count = 0
        self.is_thinned = False

    @property
    def times(self) -> Integers:
        """When, ns, ascending, shape (values,); a view that the next `add` may change."""
        return self._times[: self._count]

    @property
    def values(self) -> Singles:
        """What, shape (values,); a view likewise."""
        return self._values[: self._count]

    def add(self, times_ns: Integers, values: NDArray[np.float64]) -> None:
        """Take some values, in any order; few are older than what is there already."""
        for start in range(0, times_ns.size, self._limit // 4):
            part = slice(start, start + self._limit // 4)
            self._append(times_ns[part], values[part])

    def _append(self, times_ns: Integers, values: NDArray[np.float64]) -> None:
        self._make_room(times_ns.size)
        first, last = self._count, self._count + times_ns.size
        self._times[first:last], self._values[first:last] = times_ns, values
        self._count = last
        fresh = self._times[max(0, first - 1) : last]
        if (fresh[1:] < fresh[:-1]).any():
            order = np.argsort(self.times, kind="stable")
            self._times[:last], self._values[:last] = self.times[order], self.values[order]

    def _make_room(self, more: int) -> None:
        if self._count + more > self._limit:
            self._thin()
        size = self._times.size
        while size < self._count + more:
            size *= 2
        if size > self._times.size:
            self._times = np.resize(self._times, size)
            self._values = np.resize(self._values, size)

    def _thin(self) -> None:
        """Of every four values of the older half keep the least and the greatest, in order."""
        old = self._count // 2 // 4 * 4
        groups = self._values[:old].reshape(-1, 4)
        pairs = np.sort(np.stack([groups.argmin(axis=1), groups.argmax(axis=1)], axis=1), axis=1)
        same = pairs[:, 0] == pairs[:, 1]  # all four are equal
        pairs[same, 1] = 3
        kept = (pairs + 4 * np.arange(len(groups))[:, None]).ravel()
        rest = np.arange(old, self._count)
        chosen = np.concatenate([kept, rest])
        self._times[: chosen.size] = self._times[chosen]
        self._values[: chosen.size] = self._values[chosen]
        self._count = chosen.size
        self.is_thinned = True
