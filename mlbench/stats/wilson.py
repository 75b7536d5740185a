"""The interval of a share: how far a fraction of right answers may be trusted."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from mlbench.stats.intervals import Interval

__all__ = ["wilson_interval"]


def wilson_interval(share: float, trials: int, confidence: float = 0.95) -> Interval:
    """A share of successes and its interval by the score of Wilson (JASA 22(158), 1927).

    It assumes independent trials. Unlike the normal approximation it stays between 0 and 1,
    and has a width where all trials went one way.

    Parameters
    ----------
    share
        Of successes, 0 to 1.
    trials
        How many there were, at least 1.

    Raises
    ------
    ValueError
        If there are no trials, or the share is none.

    Examples
    --------
    >>> found = wilson_interval(0.5, 10)
    >>> round(found.low, 3), round(found.high, 3)
    (0.237, 0.763)
    """
    if trials < 1 or not 0 <= share <= 1:
        raise ValueError(f"expected a share of 0 to 1 in trials, got {share} of {trials}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z * sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2) / scale
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))
