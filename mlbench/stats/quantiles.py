"""Quantiles, and how many queries one needs before it means anything."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import exp, lgamma, log, log1p
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["binomial_cdf", "quantile", "quantile_floor", "quantiles"]


def quantile(values: ArrayLike, p: float) -> float:
    """The smallest value that at least a share ``p`` of the values does not exceed.

    NumPy's ``method="inverted_cdf"``: always one of the values, so a failure that counts
    as infinite is never averaged with a success.

    Parameters
    ----------
    values
        At least one number in any order; infinity for a query that did not succeed.
    p
        Between 0 and 1.

    Raises
    ------
    ValueError
        If there are no values.

    Examples
    --------
    >>> quantile([3, 1, 2, float("inf")], 0.75)
    3.0
    """
    return quantiles(values, [p])[0]


def quantiles(values: ArrayLike, probabilities: Sequence[float]) -> list[float]:
    """Several quantiles of the same values, as `quantile` defines each, in one pass.

    Examples
    --------
    >>> quantiles(range(1, 101), [0.5, 0.99])
    [50.0, 99.0]
    """
    numbers: NDArray[Any] = np.asarray(values)  # Any: integers stay integers, no copy
    if not numbers.size:
        raise ValueError("there is no quantile of no values")
    # The product is NumPy's own, rounding included: a test holds them equal.
    ranks = [max(int(np.ceil(numbers.size * p)) - 1, 0) for p in probabilities]
    ordered = np.partition(numbers, sorted(set(ranks)))
    return [float(ordered[rank]) for rank in ranks]


def binomial_cdf(successes: int, trials: int, p: float) -> float:
    """The probability of at most ``successes`` in ``trials``, each with probability ``p``.

    The exact sum of its terms, each by its logarithm, for ``0 < p < 1``.

    Examples
    --------
    >>> round(binomial_cdf(1, 3, 0.5), 9)
    0.5
    """
    return min(sum(_binomial_term(k, trials, p) for k in range(successes + 1)), 1.0)


def _binomial_term(k: int, n: int, p: float) -> float:
    if k > n:
        return 0.0
    ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return exp(ways + k * log(p) + (n - k) * log1p(-p))


@cache
def quantile_floor(p: float, confidence: float = 0.99, tolerance: float = 0.0) -> int:
    """The fewest queries from which the quantile ``p`` is a number and not null.

    MLPerf's early stopping: with h queries under a bound and t over it, the bound holds
    for a share ``p`` with ``confidence`` once ``BinomCDF(t; h + t, 1 - p) < 1 - confidence``.
    LoadGen's estimate of a quantile starts at t = 1, which makes the floor the smallest
    ``h + 1`` that satisfies it (MLPerf Inference, ``loadgen/early_stopping.cc``). It assumes
    that queries are independent; queries of one run are not, so it is a floor.

    Parameters
    ----------
    p
        Between 0 and 1, both excluded.
    confidence
        MLPerf's c.
    tolerance
        MLPerf's d: the share that may be missing from ``p``.

    Examples
    --------
    >>> quantile_floor(0.9), quantile_floor(0.99)
    (64, 662)
    """
    over = 1 - p + tolerance
    if not 0 < over < 1:
        raise ValueError(f"expected p - tolerance between 0 and 1, got {p} - {tolerance}")

    def enough(queries: int) -> bool:
        return binomial_cdf(1, queries, over) < 1 - confidence

    high = 2
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:  # enough() is monotone: the CDF falls with the number of trials
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
