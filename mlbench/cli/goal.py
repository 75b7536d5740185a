"""How far a load has come towards the end that its stop rule sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlbench.cli.numbers import duration
from mlbench.spec import Stop

__all__ = ["Goal", "goal", "stop_text"]


@dataclass(frozen=True)
class Goal:
    """How much of the load is over, from 0 to 1, and what is left in words.

    A share that is null belongs to a load that goes on as long as the others do.
    """

    share: float | None
    left: str


def goal(stop: Stop | None, seconds: float, queries: int) -> Goal:
    """How far a load is after this time and this many queries.

    It ends at the first maximum, or when both minima are reached: so the nearest maximum
    counts, or the farther minimum if that is nearer.

    Examples
    --------
    >>> goal(Stop(seconds=30), 12.0, 500)
    Goal(share=0.4, left='18 s left')
    >>> goal(Stop(min_seconds=10, min_queries=100), 8.0, 20)
    Goal(share=0.2, left='20/100')
    """
    if stop is None:
        return Goal(None, "with the others")
    ends = list(_maxima(stop, seconds, queries))
    minima = list(_minima(stop, seconds, queries))
    if minima:
        ends.append(min(minima, key=_share))
    best = max(ends, key=_share, default=Goal(None, ""))
    return Goal(None if best.share is None else min(1.0, best.share), best.left)


def _share(one: Goal) -> float:
    return one.share or 0.0


def _maxima(stop: Stop, seconds: float, queries: int) -> Iterator[Goal]:
    for limit in (stop.seconds, stop.max_seconds):
        if limit is not None:
            yield _by_time(limit, seconds)
    for count in (stop.queries, stop.max_queries):
        if count is not None:
            yield _by_count(count, queries)


def _minima(stop: Stop, seconds: float, queries: int) -> Iterator[Goal]:
    if stop.min_seconds:
        yield _by_time(stop.min_seconds, seconds)
    if stop.min_queries:
        yield _by_count(stop.min_queries, queries)


def _by_time(limit: float, seconds: float) -> Goal:
    return Goal(seconds / limit, f"{duration(max(0.0, limit - seconds))} left")


def _by_count(count: int, queries: int) -> Goal:
    return Goal(queries / count, f"{min(queries, count):,}/{count:,}")


def stop_text(stop: Stop | None) -> str:
    """A stop rule in words.

    Examples
    --------
    >>> stop_text(Stop(min_seconds=30, min_queries=100))
    'until 30 s and 100 queries'
    """
    if stop is None:
        return "as long as the others"
    least = [f"{stop.min_seconds:g} s"] if stop.min_seconds else []
    least += [f"{stop.min_queries:,} queries"] if stop.min_queries else []
    ends = [f"{limit:g} s" for limit in (stop.seconds, stop.max_seconds) if limit is not None]
    counts = (stop.queries, stop.max_queries)
    ends += [f"{count:,} queries" for count in counts if count is not None]
    ends += [" and ".join(least)] if least else []
    return f"until {' or '.join(ends)}"
