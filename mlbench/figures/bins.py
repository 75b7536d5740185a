"""Aggregation before drawing: what thousands of samples look like in a few hundred pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import Floats, Integers

__all__ = ["Bins", "busy_share", "edges_of", "envelope", "thinned"]


@dataclass(frozen=True)
class Bins:
    """Values by bin, arrays of shape (bins,); not a number where a bin has none.

    Parameters
    ----------
    middle
        Of the bin, ns.
    mean, low, high
        Of the values in it.
    """

    middle: Floats
    mean: Floats
    low: Floats
    high: Floats


def edges_of(begin_ns: int, end_ns: int, bins: int) -> Floats:
    """The edges of equal bins, shape (bins + 1,)."""
    return np.linspace(begin_ns, end_ns, bins + 1)


def envelope(times_ns: Integers, values: Floats, edges: Floats) -> Bins:
    """Mean, least and greatest value of each bin.

    Examples
    --------
    >>> found = envelope(np.array([0, 1, 2]), np.array([1.0, 3.0, 5.0]), np.array([0, 2, 4]))
    >>> found.mean.tolist(), found.high.tolist()
    ([2.0, 5.0], [3.0, 5.0])
    """
    bins = edges.size - 1
    place = np.searchsorted(edges, times_ns, "right") - 1
    inside = (place >= 0) & (place < bins) & np.isfinite(values)
    place, known = place[inside], values[inside]
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(place, known, minlength=bins) / count
    low, high = np.full(bins, np.inf), np.full(bins, -np.inf)
    np.minimum.at(low, place, known)
    np.maximum.at(high, place, known)
    low[count == 0] = high[count == 0] = np.nan
    return Bins((edges[1:] + edges[:-1]) / 2, mean, low, high)


def busy_share(starts_ns: Integers, ends_ns: Integers, edges: Floats) -> Floats:
    """How much of each bin intervals cover, shape (bins,); over 1 where several overlap.

    Examples
    --------
    >>> busy_share(np.array([0]), np.array([3]), np.array([0, 2, 4])).tolist()
    [1.0, 0.5]
    """
    passed = _time_since(starts_ns, edges) - _time_since(ends_ns, edges)
    share: Floats = np.diff(passed) / np.diff(edges)
    return share


def _time_since(instants_ns: Integers, edges: Floats) -> Floats:
    """Sum over the instants of the time that has passed since each, at each edge."""
    origin = float(edges[0])
    ordered = np.sort(instants_ns).astype(np.float64) - origin  # small numbers keep their digits
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    before = np.searchsorted(ordered, edges - origin, "right")
    passed: Floats = before * (edges - origin) - sums[before]
    return passed


def thinned(count: int, most: int) -> Integers:
    """At most ``most`` of ``count`` rows, evenly, the first and the last among them."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).astype(np.int64))
