"""Numbers and lists of a study as its texts have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

__all__ = ["listed", "more_text", "number", "ratio_text", "told"]

Json = Mapping[str, Any]
"""An estimate of a document; Any: JSON."""

NARROW = 0.02
"""Bounds that are nearer to each other than this share of them look alike with three digits."""

MOST_DECIMALS = 6


def ratio_text(interval: Json) -> str:
    """A ratio with its interval.

    Examples
    --------
    >>> ratio_text({"estimate": 1.416, "low": 1.302, "high": 1.541})
    '1.42 times (1.30 to 1.54)'
    >>> ratio_text({"estimate": 1.416, "low": None, "high": None})
    '1.42 times (one block, no interval)'
    >>> ratio_text({"estimate": 1.0004, "low": 0.9987, "high": 1.0021})
    '1.000 times (0.999 to 1.002)'
    """
    estimate, bounds = told(interval)
    return f"{estimate} times ({bounds})"


def more_text(interval: Json) -> str:
    """Milliseconds more or less, with their interval.

    Examples
    --------
    >>> more_text({"estimate": 161.2, "low": 120.0, "high": 202.4})
    '+161 ms (120 to 202)'
    """
    estimate, bounds = told(interval)
    return f"{'+' if interval['estimate'] > 0 else ''}{estimate} ms ({bounds})"


def told(interval: Json, show: Callable[[float], str] | None = None) -> tuple[str, str]:
    """An estimate and its bounds, with as many digits as tell the bounds apart.

    Parameters
    ----------
    show
        How a number is shown where three digits are enough; default `number`.

    Examples
    --------
    >>> told({"estimate": 5.67, "low": 0.232, "high": 139.1})
    ('5.67', '0.23 to 139')
    >>> told({"estimate": 9.998, "low": 9.996, "high": 10.001})
    ('9.998', '9.996 to 10.001')
    >>> told({"estimate": 5.67, "low": None, "high": 139.1})
    ('5.67', 'unbounded to 139')
    """
    show = show or number
    estimate, low, high = (interval[key] for key in ("estimate", "low", "high"))
    if low is None and high is None:
        return show(estimate), "one block, no interval"
    if low is not None and high is not None and _look_alike(low, high):
        show = _with_decimals(_decimals(low, high))
    ends = ("unbounded" if end is None else show(end) for end in (low, high))
    return show(estimate), " to ".join(ends)


def _look_alike(low: float, high: float) -> bool:
    return 0 < high - low < NARROW * max(abs(low), abs(high))


def _decimals(low: float, high: float) -> int:
    """Three digits at least, and as many as two numbers of that distance differ by."""
    usual = 2 - floor(log10(min(abs(low), abs(high))))
    return max(0, min(MOST_DECIMALS, max(usual, ceil(-log10(high - low)))))


def _with_decimals(decimals: int) -> Callable[[float], str]:
    return lambda value: f"{value:,.{decimals}f}"


def number(value: float) -> str:
    """Three digits, without an exponent where people would not write one."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:.{digits}f}" if size >= 0.1 or not size else f"{value:.3g}"


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
