"""Numbers as people read them: three digits, thousands apart, a unit for each column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10

__all__ = ["Unit", "duration", "one_unit", "significant", "unit_for"]


FINEST, COARSEST = 0.001, 100_000
"""Between these a number is shown with two digits at least, and is not too long to be read."""


@dataclass(frozen=True)
class Unit:
    """A unit of time, and how many of it a millisecond is."""

    name: str
    per_ms: float

    def suits(self, values_ms: Iterable[float | None]) -> bool:
        """Whether all of these have two digits at least, and not more than five before the point.

        Examples
        --------
        >>> MILLISECONDS.suits([0.001, 90_000, 0, None]), MILLISECONDS.suits([0.0004])
        (True, False)
        """
        shown = (value * self.per_ms for value in values_ms if value)
        return all(FINEST <= abs(value) < COARSEST for value in shown)

    def show(self, value_ms: float) -> str:
        """The number, without the unit."""
        return significant(value_ms * self.per_ms)


MICROSECONDS, MILLISECONDS, SECONDS = Unit("µs", 1e3), Unit("ms", 1.0), Unit("s", 1e-3)


def unit_for(values_ms: Iterable[float | None]) -> Unit:
    """The unit in which the values of a column come nearest to two digits before the point.

    Examples
    --------
    >>> [unit_for(values).name for values in ([0.02, 0.03, None], [45.0, 0.1, 80.0], [])]
    ['µs', 'ms', 'ms']
    """
    return _by_preference(values_ms)[0]


def one_unit(values_ms: Iterable[float | None]) -> Unit | None:
    """The same of those units in which all values can be read; null where there is none.

    Examples
    --------
    >>> [unit and unit.name for unit in (one_unit([0.003, 0.01, 560]), one_unit([1e-4, 1e6]))]
    ['ms', None]
    """
    values_ms = list(values_ms)
    return next((unit for unit in _by_preference(values_ms) if unit.suits(values_ms)), None)


def _by_preference(values_ms: Iterable[float | None]) -> list[Unit]:
    known = [log10(value) for value in values_ms if value is not None and value > 0]
    units = [MILLISECONDS, MICROSECONDS, SECONDS]
    return sorted(units, key=lambda unit: sum((x + log10(unit.per_ms) - 1) ** 2 for x in known))


def significant(value: float) -> str:
    """A number with three digits, up to four of them decimals; thousands apart.

    Too small for four decimals, a positive number is still told apart from 0; a negative one,
    which only a difference is, is 0.

    Examples
    --------
    >>> [significant(value) for value in (0, 0.01234, 1.234, 45.67, 4567.8, -2.5, 1e-6, -1e-6)]
    ['0', '0.0123', '1.23', '45.7', '4,568', '-2.50', '<0.0001', '0']
    """
    if abs(value) < 0.00005:
        return "<0.0001" if value > 0 else "0"
    digits = max(0, min(4, 2 - floor(log10(abs(value)))))
    return f"{value:,.{digits}f}"


def duration(seconds: float) -> str:
    """A length of time: ``0.8 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``.

    Examples
    --------
    >>> [duration(s) for s in (0.84, 12.4, 185, 7800)]
    ['0.8 s', '12 s', '3 min 05 s', '2 h 10 min']
    """
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
