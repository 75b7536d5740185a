"""The pipelined executor: queries overlap, each stage with as many calls as it has workers.

The same semantics as the serial one: what happens between stages is in `flow`. Threads are
not bound to stages; who has called one goes on with whatever is nearest, see `runs`.
"""

from __future__ import annotations

from collections.abc import Callable

from mlbench.engine.batches import Batches
from mlbench.engine.channel import Channel, Gathering
from mlbench.engine.flight import Flight, Station
from mlbench.engine.flights import Flights
from mlbench.engine.flow import Branch, Step, initial_visits
from mlbench.engine.inbox import Inbox
from mlbench.engine.page import Page
from mlbench.engine.pool import Events, Pool, Run, Task, Timings
from mlbench.engine.records import Query, Records
from mlbench.engine.runs import batched_run, is_plain, plain_run, sender, single_run
from mlbench.engine.transit import NEW, Transit
from mlbench.interfaces.stage import Payload, Visit
from mlbench.records import NULL

__all__ = ["Pipelined"]


class Pipelined:
    """Runs queries through threads.

    Parameters
    ----------
    inside_cycle
        Pairs of steps, by index, whose edge lies inside a cycle: it never waits for room.
    broken
        Called with what went wrong in a thread outside of any stage: a full record buffer.
    """

    def __init__(
        self,
        fetch: Callable[[int], Payload],
        stations: list[Station],
        entry: Step,
        inside_cycle: frozenset[tuple[int, int]],
        records: Records,
        visit: Visit,
        page: Page,
        timeout_ns: int,
        broken: Callable[[BaseException], None],
    ) -> None:
        steps = [station.step for station in stations]
        self._entry = entry
        self._inside_cycle = inside_cycle
        self._no_visits = initial_visits(steps)
        self._workers = sum(station.workers for station in stations)
        self._pool = Pool(visit, broken)
        self._flights = Flights(records, steps, page, timeout_ns)
        self._transit = Transit(fetch, steps, entry, records, visit, self._flights)
        self._batches = Batches(records, visit, self._transit)
        self._spans = records.rings.spans
        self._channels = [self._channel(station) for station in stations]
        for step, channel in zip(steps, self._channels, strict=True):
            channel.run = self._run(step, channel)
        self._inbox: Inbox | None = None

    def serve(self, finished: Callable[[Flight], Branch | None]) -> None:
        """From now on call ``finished`` with each query, from the thread that ended it.

        What it returns is the first branch of a query that this thread goes on with.
        """
        self._flights.finished = finished

    def feed(self, inbox: Inbox) -> None:
        """Take queries from ``inbox``, once the threads start."""
        self._inbox = inbox

    def start(self) -> None:
        """Start the threads: one for each worker, and one that reads the inbox."""
        if self._inbox is not None:
            self._pool.do((self._read, 0, self._inbox))
        self._pool.start(self._workers + (self._inbox is not None))

    def stop(self) -> None:
        """End the threads; every query has ended before."""
        for channel in self._channels:
            channel.stop()
        self._pool.end()
        if self._inbox is not None:
            self._inbox.wake()
        self._pool.join()

    def admit(self, query: Query) -> None:
        """Put a new query in front of the entry stage."""
        self._channels[self._entry.index].put(self.branch_of(query))

    def branch_of(self, query: Query) -> Branch:
        """The first branch of a new query; it has no payload until a worker takes it."""
        flight = Flight(query)
        return Branch(self._entry, NEW, None, NULL, query[3], 0, self._no_visits, None, flight)

    def cancel(self) -> None:
        """End every query under way where it is; those that wait never start."""
        self._flights.cancel()
        for channel in self._channels:  # a batch that is gathered would wait for others
            channel.stop()

    def _channel(self, station: Station) -> Channel:
        workers, queue, size = station.workers, station.queue, station.batch_size
        if size:
            return Gathering(workers, queue, self._pool, size, station.max_wait_ns)
        return Channel(workers, queue, self._pool)

    def _run(self, step: Step, channel: Channel) -> Run:
        send = sender(step.index, self._channels, self._inside_cycle)
        target = self._channels[step.next.index]
        if isinstance(channel, Gathering):
            return batched_run(step, channel, self._batches, send)
        if is_plain(step, target):
            return plain_run(step, channel, target, self._spans, self._transit, send)
        return single_run(step, channel, self._transit, send)

    def _read(self, token: int, inbox: Inbox, *_: Events | Timings) -> Task | None:
        """Read the inbox; the thread goes on with what it read, and another one reads."""
        came = inbox.read()
        if self._pool.ending:
            return None
        entry = self._channels[self._entry.index]
        followed = entry.follow(came[0]) if came else None
        for here in came[1:] if followed else came:
            entry.put(here)
        again = (self._read, token, inbox)
        if followed is None:
            return again
        self._pool.do(again)
        return followed
