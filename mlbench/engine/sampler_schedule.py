"""When a probe is to be read: absolute deadlines of several rates."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2

from mlbench.interfaces.probe import Tier

__all__ = ["Lateness", "Schedule"]

BINS_PER_OCTAVE = 16


class Lateness:
    """How late something was, in bins that are 4 % wide: bounded, however long the run."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0

    def add(self, late_ns: int) -> None:
        """Count one; what is below 1 ns counts as 1 ns."""
        slot = int(log2(max(late_ns, 1)) * BINS_PER_OCTAVE)
        self._counts[slot] = self._counts.get(slot, 0) + 1
        self.count += 1

    def merge(self, other: Lateness) -> None:
        """Count those of another, too."""
        for slot, count in other._counts.items():
            self._counts[slot] = self._counts.get(slot, 0) + count
        self.count += other.count

    def quantile_ns(self, p: float) -> int | None:
        """The upper edge of the bin in which the quantile falls; null without any."""
        reached = 0
        for slot in sorted(self._counts):
            reached += self._counts[slot]
            if reached >= p * self.count:
                return round(2 ** ((slot + 1) / BINS_PER_OCTAVE))
        return None


class Schedule:
    """The deadlines of some tiers, from one origin on.

    After the first one they are the multiples of each tier's period on the clock of the run,
    so that all probes wake up together: the second one finds the interpreter's code in the
    cache still, and what is read of different things is of one moment. A deadline that has
    passed before the one before was served is missed: it is counted and never made up for,
    and the next one stays where it was.

    Parameters
    ----------
    rates
        Readings per second of each tier.
    origin_ns
        The first deadline of all of them.

    The earliest deadline is ``next_ns``; null where nothing is read any more.

    Examples
    --------
    >>> schedule = Schedule({"fast": 10.0, "slow": 2.0}, origin_ns=0)
    >>> schedule.due(0), schedule.due(120_000_000), schedule.next_ns
    (['fast', 'slow'], ['fast'], 200000000)
    >>> schedule.due(450_000_000), schedule.missed
    (['fast'], {'fast': 2, 'slow': 0})
    """

    def __init__(self, rates: Mapping[Tier, float], origin_ns: int) -> None:
        self._periods = {tier: round(1e9 / rate) for tier, rate in rates.items()}
        self._next = dict.fromkeys(rates, origin_ns)
        self.next_ns: int | None = origin_ns if rates else None
        self.missed = dict.fromkeys(rates, 0)
        self.ticks = dict.fromkeys(rates, 0)
        self.lateness = Lateness()

    def due(self, now_ns: int, woke_ns: int | None = None) -> list[Tier]:
        """The tiers whose deadlines have come, and their next ones.

        Parameters
        ----------
        woke_ns
            What counts as late: when somebody woke up for them; default now.
        """
        tiers = [tier for tier, instant in self._next.items() if instant <= now_ns]
        if self.next_ns is not None and self.next_ns <= now_ns:
            self.lateness.add((now_ns if woke_ns is None else woke_ns) - self.next_ns)
        for tier in tiers:
            period = self._periods[tier]
            self.missed[tier] += now_ns // period - self._next[tier] // period
            self.ticks[tier] += 1
            self._next[tier] = (now_ns // period + 1) * period
        self.next_ns = min(self._next.values(), default=None)
        return tiers

    def keep(self, tiers: frozenset[Tier]) -> None:
        """Leave out the tiers that have nothing to read any more."""
        self._next = {tier: at for tier, at in self._next.items() if tier in tiers}
        self.next_ns = min(self._next.values(), default=None)
