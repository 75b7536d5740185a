"""One line of the results: what was measured, beside what, and the bar that it should meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from mlbench.stats import ratio_interval

__all__ = ["Row", "interleaved", "quantity", "ratio"]


@dataclass(frozen=True)
class Row:
    """A result.

    Parameters
    ----------
    what
        What was measured, with its unit.
    measured, reference
        Median over repeats, as text with units; the reference may be empty.
    ratio
        Measured over reference with its 95 % interval over interleaved repeats; may be empty.
    bar
        What it should be.
    met
        Whether it was; null where nothing is asked.
    """

    group: str
    what: str
    measured: str
    reference: str = ""
    ratio: str = ""
    bar: str = ""
    met: bool | None = None


def interleaved(repeats: int, *functions: Callable[[], float]) -> tuple[list[float], ...]:
    """The values of each function, called in turn: A B A B ..., so that drift hits both."""
    values: tuple[list[float], ...] = tuple([] for _ in functions)
    for _ in range(repeats):
        for found, function in zip(values, functions, strict=True):
            found.append(function())
    return values


def ratio(measured: Sequence[float], reference: Sequence[float]) -> tuple[float, str]:
    """Ratio of pairs: its estimate, and as text with a 95 % interval (t on log-ratios)."""
    found = ratio_interval(measured, reference)
    if found.estimate is None:
        return float("nan"), "-"
    if found.low is None or found.high is None:
        return found.estimate, f"{found.estimate:.2f}"
    return found.estimate, f"{found.estimate:.2f} [{found.low:.2f}, {found.high:.2f}]"


def quantity(values: Sequence[float], unit: str, scale: float = 1.0) -> str:
    """The median of values with its unit, at three digits."""
    value = median(values) * scale
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}"
