"""Numbers and lists of a study as its texts have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["bounds", "listed", "more_text", "number", "ratio_text", "told_apart"]

Json = Mapping[str, Any]
"""An estimate of a document; Any: JSON."""

MORE_DIGITS = 3


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
    digits = _digits(interval)
    return f"{number(interval['estimate'], digits)} times ({bounds(interval)})"


def more_text(interval: Json) -> str:
    """Milliseconds more or less, with their interval.

    Examples
    --------
    >>> more_text({"estimate": 161.2, "low": 120.0, "high": 202.4})
    '+161 ms (120 to 202)'
    """
    value, digits = interval["estimate"], _digits(interval)
    return f"{'+' if value > 0 else ''}{number(value, digits)} ms ({bounds(interval)})"


def bounds(interval: Json) -> str:
    """The bounds of an interval."""
    if interval["low"] is None and interval["high"] is None:
        return "one block, no interval"
    digits = _digits(interval)
    low, high = (
        "unbounded" if interval[key] is None else number(interval[key], digits)
        for key in ("low", "high")
    )
    return f"{low} to {high}"


def _digits(interval: Json) -> int:
    low, high = interval["low"], interval["high"]
    return 0 if low is None or high is None else told_apart(number, low, high)


def told_apart(show: Callable[[float, int], str], low: float, high: float) -> int:
    """How many more digits than usual tell the bounds of an interval apart; 3 at most.

    Examples
    --------
    >>> told_apart(number, 1.30, 1.54), told_apart(number, 0.9987, 1.0021)
    (0, 1)
    """
    enough = (more for more in range(MORE_DIGITS) if show(low, more) != show(high, more))
    return 0 if low == high else next(enough, MORE_DIGITS)


def number(value: float, more: int = 0) -> str:
    """Three digits, and more as asked, without an exponent where people would not write one."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.{more}f}"
    digits = more + (0 if size >= 100 else 1 if size >= 10 else 2)
    return f"{value:.{digits}f}" if size >= 0.1 or not size else f"{value:.{3 + more}g}"


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
