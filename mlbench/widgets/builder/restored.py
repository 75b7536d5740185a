"""What a browser sends back, with the numbers as Python had them."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

__all__ = ["restored"]


def restored(sent: Any, known: Any) -> Any:  # Any: JSON
    """``sent``, where a number that only went through JavaScript is the one of ``known``.

    JavaScript has doubles alone: 10.0 comes back as 10, and 2**53 + 1 as 2**53.

    Examples
    --------
    >>> restored({"seed": 2**53, "rate": 10, "ms": 3}, {"seed": 2**53 + 1, "rate": 10.0})
    {'seed': 9007199254740993, 'rate': 10.0, 'ms': 3}
    """
    if isinstance(sent, dict) and isinstance(known, dict):
        names = list(sent)
        if any(name.isdigit() for name in names):  # JavaScript puts these first
            names = [*filter(names.__contains__, known), *(n for n in sent if n not in known)]
        return {name: restored(sent[name], known.get(name)) for name in names}
    if isinstance(sent, list) and isinstance(known, list):
        pairs = zip_longest(sent, known[: len(sent)])
        return [restored(each, before) for each, before in pairs]
    numbers = type(sent) in (int, float) and type(known) in (int, float)
    return known if numbers and _double(known) == _double(sent) else sent


def _double(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None
