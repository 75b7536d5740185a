"""Numbers and lists of a study as its texts have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["bounds", "listed", "more_text", "number", "ratio_text"]

Json = Mapping[str, Any]
"""An estimate of a document; Any: JSON."""


def ratio_text(interval: Json) -> str:
    """A ratio with its interval.

    Examples
    --------
    >>> ratio_text({"estimate": 1.416, "low": 1.302, "high": 1.541})
    '1.42 times (1.30 to 1.54)'
    >>> ratio_text({"estimate": 1.416, "low": None, "high": None})
    '1.42 times (one block, no interval)'
    """
    return f"{number(interval['estimate'])} times ({bounds(interval)})"


def more_text(interval: Json) -> str:
    """Milliseconds more or less, with their interval.

    Examples
    --------
    >>> more_text({"estimate": 161.2, "low": 120.0, "high": 202.4})
    '+161 ms (120 to 202)'
    """
    value = interval["estimate"]
    return f"{'+' if value > 0 else ''}{number(value)} ms ({bounds(interval)})"


def bounds(interval: Json) -> str:
    """The bounds of an interval."""
    if interval["low"] is None and interval["high"] is None:
        return "one block, no interval"
    low, high = (
        "unbounded" if interval[key] is None else number(interval[key]) for key in ("low", "high")
    )
    return f"{low} to {high}"


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
