"""Units of axes: the one in which the numbers are short, and ticks on logarithmic axes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

__all__ = [
    "Unit",
    "bytes_unit",
    "linear_or_log",
    "log_domain",
    "log_ticks",
    "number_format",
    "short",
    "si_unit",
    "spoken_name",
    "spoken_time",
    "time_unit",
]


@dataclass(frozen=True)
class Unit:
    """A unit, and how many of the base unit it is."""

    name: str
    size: float

    def title(self, quantity: str) -> str:
        """An axis title, ``latency (ms)``."""
        return f"{quantity} ({self.name})" if self.name else quantity


TIMES = (Unit("ns", 1.0), Unit("µs", 1e3), Unit("ms", 1e6), Unit("s", 1e9), Unit("min", 60e9))
BYTES = (Unit("B", 1.0), Unit("KiB", 2.0**10), Unit("MiB", 2.0**20), Unit("GiB", 2.0**30))
PREFIXES = (("n", 1e-9), ("µ", 1e-6), ("m", 1e-3), ("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9))


def time_unit(values_ns: Iterable[float]) -> Unit:
    """The unit for times in ns: the largest in which the greatest is two or more.

    Examples
    --------
    >>> [time_unit([ns]).name for ns in (900, 45e6, 1.5e9, 30e9, 3600e9)]
    ['ns', 'ms', 'ms', 's', 'min']
    """
    return _largest(TIMES, values_ns, {"min": 10})


def spoken_time(ns: float) -> str:
    """A time with its unit.

    Examples
    --------
    >>> [spoken_time(ns) for ns in (0.0, 51_200.0, 3.69e9)]
    ['0', '51.2 µs', '3.69 s']
    """
    if ns == 0:
        return "0"
    unit = next((unit for unit in reversed(TIMES[:4]) if abs(ns) >= unit.size), TIMES[0])
    return f"{short(ns / unit.size)} {unit.name}"


SUFFIXES = {"ns": "ns", "ms": "ms", "s": "s", "w": "W", "j": "J", "bytes": "bytes", "percent": "%"}
RATES = ("throughput", "offered_rate")


def spoken_name(column: str) -> str:
    """A column of a table as an axis has it: the last part of its path, and its unit.

    Examples
    --------
    >>> [spoken_name(name) for name in ("pipelines.rag.load.rate", "latency_p50_ms", "throughput")]
    ['rate', 'latency p50 (ms)', 'throughput (queries/s)']
    """
    name = column.rpartition(".")[2]
    if name in RATES:
        return f"{name.replace('_', ' ')} (queries/s)"
    head, _, tail = name.rpartition("_")
    if head and tail in SUFFIXES and not head.endswith("_per"):
        return f"{head.replace('_', ' ')} ({SUFFIXES[tail]})"
    return name.replace("_", " ")


def bytes_unit(values: Iterable[float]) -> Unit:
    """The unit for sizes in bytes."""
    return _largest(BYTES, values, {})


def si_unit(values: Iterable[float], unit: str) -> Unit:
    """The unit with the prefix that keeps the greatest between 1 and 1,000.

    Examples
    --------
    >>> si_unit([1500.0], "J"), si_unit([0.002], "J")
    (Unit(name='kJ', size=1000.0), Unit(name='mJ', size=0.001))
    """
    greatest = _greatest(values)
    name, size = next(
        ((prefix, size) for prefix, size in reversed(PREFIXES) if greatest >= size), ("", 1.0)
    )
    return Unit(name + unit, size)


def _largest(units: tuple[Unit, ...], values: Iterable[float], least: dict[str, float]) -> Unit:
    greatest = _greatest(values)
    fitting = [unit for unit in units if greatest >= least.get(unit.name, 2) * unit.size]
    return fitting[-1] if fitting else units[0]


def _greatest(values: Iterable[float]) -> float:
    return max((abs(value) for value in values if isfinite(value)), default=0.0)


def log_domain(values: Iterable[float]) -> tuple[float, float]:
    """The least and the greatest positive value, with a little room on either side.

    Examples
    --------
    >>> log_domain([])
    (0.1, 10.0)
    """
    known = [value for value in values if isfinite(value) and value > 0]
    if not known:
        return 0.1, 10.0
    low, high = min(known), max(known)
    room = max((high / low) ** 0.04, 1.02)
    return low / room, high * room


def log_ticks(low: float, high: float) -> list[float]:
    """Values for the ticks of a logarithmic axis: 1, 2, 5 and their tens, or tens alone.

    Examples
    --------
    >>> log_ticks(0.9, 60), log_ticks(1, 1e6)
    ([1.0, 2.0, 5.0, 10.0, 20.0, 50.0], [1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0, 1000000.0])
    """
    decades = log10(high / low)
    steps: tuple[float, ...] = (1, 2, 5) if decades < 2.2 else (1,)
    if decades < 0.35:
        steps = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
    elif decades < 0.8:
        steps = (1, 1.5, 2, 3, 4, 5, 7)
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    ticks = [float(f"{step * 10.0**exponent:.3g}") for exponent in exponents for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def number_format(greatest: float) -> str:
    """The d3 format of a linear axis: plain numbers, from ten thousand on with SI prefixes.

    Examples
    --------
    >>> number_format(40), number_format(2e6)
    ('~f', '~s')
    """
    return "~s" if abs(greatest) >= 10_000 else "~f"


def linear_or_log(values: Iterable[float]) -> str:
    """The kind of scale for a quantity: logarithmic where it spans more than 30 to 1.

    Examples
    --------
    >>> linear_or_log([1, 2, 3]), linear_or_log([1, 100]), linear_or_log([0, 100])
    ('linear', 'log', 'linear')
    """
    known = [value for value in values if isfinite(value)]
    if not known or min(known) <= 0:
        return "linear"
    return "log" if max(known) / min(known) > 30 else "linear"


def short(value: float) -> str:
    """A number with three digits at most, as a label in a figure has it.

    Examples
    --------
    >>> [short(value) for value in (0.01234, 1.234, 45.67, 186.2, 4567.8)]
    ['0.012', '1.23', '45.7', '186', '4,568']
    """
    if not isfinite(value):
        return "∞" if value > 0 else "–"
    if value == 0:
        return "0"
    digits = max(0, min(3, 2 - floor(log10(abs(value)))))
    return f"{value:,.{digits}f}"
