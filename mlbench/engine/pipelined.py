"""The pipelined executor: every stage has its threads and a queue, and queries overlap.

The same semantics as the serial one: what happens between stages is in `flow`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from time import monotonic_ns as clock

from mlbench.engine.channel import Channel
from mlbench.engine.flow import FAN, ROUTE, SINK, Arrival, Joins, Step, arrive, initial_visits, routed
from mlbench.engine.page import Page, Slot
from mlbench.engine.records import Ended, Query, Records, TimedSpan, failure, timed_out
from mlbench.errors import JoinError, QueryError
from mlbench.records import NULL, Outcome
from mlbench.stage import Payload, Visit

__all__ = ["Flight", "Pipelined", "Station"]

DONE, FAILED = int(Outcome.DONE), int(Outcome.FAILED)


class Flight:
    """A query under way: its live branches are counted, and it is done at zero."""

    __slots__ = ("deadline", "done", "ended", "joins", "live", "lock", "query", "started", "timed")

    def __init__(self, query: Query) -> None:
        self.query = query
        self.started = NULL
        self.done = NULL
        self.deadline = 0
        self.live = 1
        self.ended: Ended | None = None
        self.joins: Joins | None = None
        self.lock = threading.Lock()
        self.timed: list[TimedSpan] = []


Item = tuple[Flight, "Arrival | None"]


class Station:
    """A stage with what stands in front of it.

    Parameters
    ----------
    workers
        Threads that call the stage.
    batch_size, max_wait_ns
        Of dynamic batches; a size of 0 calls the stage for each payload.
    """

    def __init__(self, step: Step, workers: int, queue: int, batch_size: int, max_wait_ns: int):
        self.step = step
        self.workers = workers
        self.channel: Channel[Item] = Channel(queue)
        self.batch_size = batch_size
        self.max_wait_ns = max_wait_ns


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
        self._fetch = fetch
        self._stations = stations
        self._steps = [station.step for station in stations]
        self._entry = entry
        self._inside_cycle = inside_cycle
        self._records = records
        self._visit = visit
        self._cells = page.cells
        self._timeout_ns = timeout_ns
        self._finished: Callable[[Flight], None] = _nothing
        self._broken = broken
        self._no_visits = initial_visits(self._steps)
        self._batches = count()
        self._under_way: dict[Flight, int] = {}
        self._ended, self._failed = count(1), count(1)
        self._threads: list[threading.Thread] = []
        self._cancelled: Ended | None = None

    def serve(self, finished: Callable[[Flight], None]) -> None:
        """From now on call ``finished`` with each query that ends, from the thread that ended it."""
        self._finished = finished

    def feed(self, inbox: Channel[Item]) -> None:
        """Put ``inbox`` in front of the entry stage, before the threads start."""
        self._stations[self._entry.index].channel = inbox

    def start(self) -> None:
        """Start the threads of all stages."""
        for station in self._stations:
            body = self._batch_loop if station.batch_size else self._loop
            for worker in range(station.workers):
                name = f"{station.step.name}-{worker}"
                arguments = (body, station, worker)
                thread = threading.Thread(target=self._guarded, args=arguments, name=name)
                thread.daemon = True
                thread.start()
                self._threads.append(thread)

    def stop(self) -> None:
        """End the threads; every query has ended before."""
        for station in self._stations:
            for _ in range(station.workers):
                station.channel.put(None)
        for thread in self._threads:
            thread.join()

    def admit(self, query: Query) -> None:
        """Put a new query in front of the entry stage."""
        self._stations[self._entry.index].channel.put((Flight(query), None))

    def _guarded(self, body: Callable[[Station, int], None], station: Station, worker: int) -> None:
        try:
            body(station, worker)
        except BaseException as error:  # a thread must not end silently: the worker reports it
            self._broken(error)

    def _loop(self, station: Station, worker: int) -> None:
        get, step = station.channel.get, station.step
        while (item := get()) is not None:
            arrival = self._taken(item)
            if arrival is not None:
                self._call(item[0], arrival, step, worker)

    def _taken(self, item: Item) -> Arrival | None:
        """The arrival that a thread now works on; null where its query has ended."""
        flight, arrival = item
        if arrival is None:
            arrival = self._begin(flight)
        elif flight.ended is not None:
            self._branch_ended(flight, NULL)
            return None
        return arrival

    def _begin(self, flight: Flight) -> Arrival | None:
        """Fetch the items of a new query; null where that failed."""
        query, started = flight.query, clock()
        if self._cancelled is not None:
            self._end_branch(flight, NULL, self._cancelled)
            return None
        flight.started, flight.deadline = started, started + self._timeout_ns
        self._under_way[flight] = started
        self._note_oldest()
        data = len(self._steps)
        try:
            payload = self._fetch(query[1])
        except Exception as error:  # a data set may raise anything: it is this query's end
            end = clock()
            self._records.failed_span(query[0], 0, 1, NULL, data, query[3], started, end)
            self._end_branch(flight, end, failure(error))
            return None
        end = clock()
        span = self._records.data_span(query[0], data, query[3], started, end)
        first = Arrival(self._entry, payload, None, span, end, visits=self._no_visits)
        return arrive(first, Joins())

    def _call(self, flight: Flight, arrival: Arrival, step: Step, worker: int) -> None:
        """Call a stage for one payload, record the span, send the branch on."""
        visit, query = self._visit, flight.query[0]
        if step.tracked:
            visit.query, visit.number = query, arrival.number
        target: Step | None = None
        route = NULL
        start = clock()
        try:
            result = step.call(arrival.payload)
            end = clock()
            if step.kind == ROUTE:
                route, target, result = routed(step, result)
        except Exception as error:  # a stage may raise anything: it is this query's end
            end = clock()
            self._failed_span(flight, arrival, start, end)
            self._end_branch(flight, end, failure(error))
            return
        row = (worker, NULL, NULL, arrival.ready, start, end)
        span = self._span(flight, arrival, row, route)
        self._onward(flight, arrival, target, result, span, end)

    def _failed_span(self, flight: Flight, arrival: Arrival, start: int, end: int) -> None:
        place = (arrival.branch, arrival.number, arrival.parent, arrival.step.index)
        span = self._records.failed_span(
            flight.query[0], *place, arrival.ready, start, end, arrival.others
        )
        self._records.events(span, self._visit.events)
        self._visit.timings.clear()

    def _span(self, flight: Flight, arrival: Arrival, row: tuple[int, ...], route: int) -> int:
        spans, visit = self._records.rings.spans, self._visit
        span = next(spans.numbers)
        if arrival.others:
            self._records.links(span, arrival.others)
        place = (arrival.branch, arrival.number, arrival.parent, arrival.step.index)
        whole = (span, flight.query[0], *place, *row)
        if visit.timings:
            flight.timed.append((whole, visit.timings.pop(), route))
        else:
            spans.fill(span, *whole, NULL, DONE, route)
        if visit.events:
            self._records.events(span, visit.events)
        return span

    def _batch_loop(self, station: Station, worker: int) -> None:
        while (first := station.channel.get()) is not None:
            items, over = self._gather(station, first)
            taken = [(item[0], arrival) for item in items if (arrival := self._taken(item))]
            if taken:
                self._call_batch(taken, station.step, worker)
            if over:
                return

    def _gather(self, station: Station, first: Item) -> tuple[list[Item], bool]:
        """Up to a batch of items, as many as come in time; true where the channel ended."""
        items = [first]
        instant_ns = clock() + station.max_wait_ns
        while len(items) < station.batch_size:
            item, came = station.channel.get_before(instant_ns)
            if not came:
                break
            if item is None:
                return items, True
            items.append(item)
        return items, False

    def _call_batch(self, taken: list[tuple[Flight, Arrival]], step: Step, worker: int) -> None:
        """Call a stage once for the payloads of several queries; each gets its own span."""
        batch, size = next(self._batches), len(taken)
        if step.tracked:
            self._visit.query, self._visit.number = taken[0][0].query[0], taken[0][1].number
        start = clock()
        try:
            results = step.call([arrival.payload for _, arrival in taken])
            end = clock()
            _check_batch(step, results, size)
        except Exception as error:  # a stage may raise anything: it ends all queries of the batch
            end = clock()
            for flight, arrival in taken:
                self._failed_span(flight, arrival, start, end)
                self._end_branch(flight, end, failure(error))
            return
        for (flight, arrival), result in zip(taken, results, strict=True):
            row = (worker, batch, size, arrival.ready, start, end)
            self._batch_member(flight, arrival, step, result, row)

    def _batch_member(
        self, flight: Flight, arrival: Arrival, step: Step, result: Payload, row: tuple[int, ...]
    ) -> None:
        target: Step | None = None
        route, start, end = NULL, row[-2], row[-1]
        try:
            if step.kind == ROUTE:
                route, target, result = routed(step, result)
        except QueryError as error:
            self._failed_span(flight, arrival, start, end)
            self._end_branch(flight, end, failure(error))
            return
        span = self._span(flight, arrival, row, route)
        self._onward(flight, arrival, target, result, span, end)

    def _onward(
        self,
        flight: Flight,
        arrival: Arrival,
        target: Step | None,
        result: Payload,
        span: int,
        end: int,
    ) -> None:
        """Send a branch over the edges that leave its step."""
        step = arrival.step
        if end > flight.deadline:
            self._end_branch(flight, end, timed_out(step))
        elif step.kind == SINK:
            self._records.output(flight.query[0], step.name, arrival.branch, result)
            self._branch_ended(flight, end)
        elif step.kind == FAN:
            self._fan(flight, arrival, result, span, end)
        else:
            goal = step.next if target is None else target
            going = Arrival(
                goal, result, step, span, end, arrival.branch, arrival.visits, arrival.frames
            )
            self._deliver(flight, going, step, end)

    def _fan(self, flight: Flight, arrival: Arrival, result: Payload, span: int, end: int) -> None:
        with flight.lock:
            flight.joins = flight.joins or Joins()
            children = flight.joins.fan(arrival.step, arrival, result, span, end)
            flight.live += len(children) - 1
        for child in children:
            self._deliver(flight, child, arrival.step, end)

    def _deliver(self, flight: Flight, going: Arrival, source: Step, end: int) -> None:
        """Put a branch in front of its next stage, through joins and bounds."""
        if going.step.special:
            try:
                with flight.lock:
                    flight.joins = flight.joins or Joins()
                    entered = arrive(going, flight.joins)
            except JoinError as error:
                self._end_branch(flight, end, failure(error))
                return
            if entered is None:
                self._branch_ended(flight, end)
                return
            going = entered
        wait = (source.index, going.step.index) not in self._inside_cycle
        self._stations[going.step.index].channel.put((flight, going), wait)

    def _end_branch(self, flight: Flight, end: int, ended: Ended) -> None:
        """End a branch that failed; the other branches of its query end where they are."""
        with flight.lock:
            flight.ended = flight.ended or ended
        self._branch_ended(flight, end)

    def _branch_ended(self, flight: Flight, end: int) -> None:
        with flight.lock:
            flight.live -= 1
            flight.done = max(flight.done, end)
            last = flight.live == 0
        if last:
            self._query_ended(flight)

    def _query_ended(self, flight: Flight) -> None:
        if flight.ended is None and flight.joins is not None and flight.joins.waiting:
            flight.ended = Ended(Outcome.FAILED, flight.joins.unfinished(self._steps))
        if flight.timed:
            self._records.timed_spans(flight.timed)
        if flight.started == NULL:
            self._records.cancelled(flight.query)
        else:
            self._records.completion(flight.query, flight.started, flight.done, flight.ended)
            self._under_way.pop(flight, None)
            self._note_oldest()
        self._cells[Slot.ENDED] = next(self._ended)
        if flight.ended is not None:
            self._cells[Slot.FAILED] = next(self._failed)
        self._finished(flight)

    def _note_oldest(self) -> None:
        """Tell the supervisor which query has been under way for longest."""
        while True:
            try:
                flight, started = next(iter(self._under_way.items()))
            except StopIteration:
                self._cells[Slot.OLDEST_STARTED_NS] = 0
                return
            except RuntimeError:  # another thread changed it meanwhile
                continue
            self._cells[Slot.OLDEST_QUERY] = flight.query[0]
            self._cells[Slot.OLDEST_STARTED_NS] = started
            return

    def cancel(self) -> None:
        """End every query under way where it is; those that wait never start."""
        self._cancelled = Ended(Outcome.CANCELLED, "the run ended before it")
        for flight in list(self._under_way):
            with flight.lock:
                flight.ended = flight.ended or self._cancelled


def _nothing(flight: Flight) -> None:
    """What happens at a query's end until somebody asks for more."""


def _check_batch(step: Step, results: object, size: int) -> None:
    if not isinstance(results, list | tuple) or len(results) != size:
        got = f"{len(results)} of them" if isinstance(results, list | tuple) else type(results).__name__
        raise QueryError(
            f"the stage {step.name!r} got a batch of {size} payloads and returned {got}; "
            f"a batched stage returns a list of {size} results"
        )
