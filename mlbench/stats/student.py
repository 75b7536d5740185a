"""Student's t, without SciPy: the distribution and its inverse."""

from __future__ import annotations

from functools import cache
from math import exp, inf, lgamma, log, log1p

__all__ = ["student_t_cdf", "student_t_quantile"]


def student_t_cdf(t: float, freedom: float) -> float:
    """The probability that a t of ``freedom`` degrees is at most ``t``.

    By the incomplete beta function (Abramowitz and Stegun, 26.7.1).

    Examples
    --------
    >>> student_t_cdf(0, 4), round(student_t_cdf(1, 1), 12)
    (0.5, 0.75)
    """
    square = t * t
    if square < freedom:  # near zero the tails say little about t, the middle says all
        middle = 0.5 * _beta_share(0.5, freedom / 2, square / (freedom + square))
        return 0.5 + middle if t > 0 else 0.5 - middle
    tail = 0.5 * _beta_share(freedom / 2, 0.5, freedom / (freedom + square))
    return 1 - tail if t > 0 else tail


@cache
def student_t_quantile(p: float, freedom: float) -> float:
    """The t of ``freedom`` degrees that is not exceeded with probability ``p``.

    Examples
    --------
    >>> round(student_t_quantile(0.975, 4), 4)
    2.7764
    """
    if not 0 < p < 1 or freedom <= 0:
        raise ValueError(f"expected 0 < p < 1 and freedom > 0, got {p} and {freedom}")
    if p < 0.5:
        return -student_t_quantile(1 - p, freedom)
    low, high = 0.0, 1.0
    while student_t_cdf(high, freedom) < p and high < 1e150:
        low, high = high, high * 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if student_t_cdf(middle, freedom) < p else (low, middle)
    return high


def _beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), DLMF 8.17."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # its fraction converges fast on one side only (8.17.4)
        return 1 - _beta_share(b, a, 1 - x)
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    return exp(front) / (a * _beta_fraction(a, b, x))


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of DLMF 8.17.22, by the modified method of Lentz."""
    value, c, d = 1.0, 1.0, 0.0
    change = inf
    step = 0
    while abs(change - 1) > 1e-15 and step < 10_000:
        step += 1
        term = _beta_coefficient(a, b, x, step)
        d = 1 / _not_zero(1 + term * d)
        c = _not_zero(1 + term / c)
        change = c * d
        value *= change
    return value


def _beta_coefficient(a: float, b: float, x: float, step: int) -> float:
    m = step // 2
    if step % 2 == 0:
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))


def _not_zero(number: float) -> float:
    return number if abs(number) > 1e-300 else 1e-300
