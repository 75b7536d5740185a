"""When a load ends, as instants of the run's clock and counts."""

from __future__ import annotations

from dataclasses import dataclass

from mlbench.spec import Stop

__all__ = ["FOREVER", "Bounds"]

FOREVER = 2**62


@dataclass(frozen=True)
class Bounds:
    """A stop rule in the run's clock: the load ends at a maximum, or past both minima.

    Parameters
    ----------
    latest_ns, most
        Maxima of time and of queries.
    earliest_ns, least
        Minima; both must be reached. Without any, only a maximum ends the load.
    """

    latest_ns: int = FOREVER
    most: int = FOREVER
    earliest_ns: int = FOREVER
    least: int = 0

    @classmethod
    def of(cls, stop: Stop | None, barrier_ns: int) -> Bounds:
        """The bounds of a stop rule; of none: the load goes on until it is told to end."""
        if stop is None:
            return cls()
        seconds = [s for s in (stop.seconds, stop.max_seconds) if s is not None]
        queries = [n for n in (stop.queries, stop.max_queries) if n is not None]
        has_minimum = bool(stop.min_seconds or stop.min_queries)
        return cls(
            latest_ns=barrier_ns + round(min(seconds) * 1e9) if seconds else FOREVER,
            most=min(queries) if queries else FOREVER,
            earliest_ns=barrier_ns + round(stop.min_seconds * 1e9) if has_minimum else FOREVER,
            least=stop.min_queries,
        )

    def ends(self, instant_ns: int, queries: int) -> bool:
        """Whether no query is due any more, at this instant after this many queries."""
        if instant_ns >= self.latest_ns or queries >= self.most:
            return True
        return instant_ns >= self.earliest_ns and queries >= self.least

    def end_ns(self, instant_ns: int) -> int:
        """Where the load phase ends, when it was seen at ``instant_ns`` to be over."""
        return min(instant_ns, self.latest_ns)

    def end_of_open(self, last_due_ns: int, next_due_ns: int | None, queries: int) -> int:
        """Where the load phase of an open load ends that has no further query.

        A limit of time ends it at that time, even if no query was due just before; a limit
        of queries when the next one would have been due, so that n queries fill n gaps; a
        load that is finite at its last query; minima when both are reached.
        """
        if next_due_ns is None:
            return last_due_ns
        if queries >= self.most:
            return min(next_due_ns, self.latest_ns)
        ends_ns = [self.latest_ns]
        if queries >= self.least and next_due_ns >= self.earliest_ns:
            ends_ns.append(max(last_due_ns, self.earliest_ns))
        return min(ends_ns)
