"""The pipelined executor: every stage has its threads and a queue, and queries overlap.

The same semantics as the serial one: what happens between stages is in `flow`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from time import monotonic_ns as clock

from mlbench.engine.channel import Channel
from mlbench.engine.flight import Flight, Station
from mlbench.engine.flow import (
    FAN,
    ONE,
    ROUTE,
    SINK,
    Branch,
    Joins,
    Step,
    arrive,
    initial_visits,
    routed,
)
from mlbench.engine.page import Page, Slot
from mlbench.engine.records import (
    CANCELLED,
    NO_BATCH,
    Ended,
    Query,
    Records,
    failure,
    timed_out,
    waited_too_long,
)
from mlbench.engine.rows import FIRST_PLACE, code_of, place_of, route_code
from mlbench.errors import JoinError, QueryError
from mlbench.interfaces.stage import Payload, Visit
from mlbench.records import NULL, Outcome

__all__ = ["Pipelined"]

NEW = object()
"""The payload of a branch whose query has not started."""


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
        self._spans = records.rings.spans
        self._visit = visit
        self._cells = page.cells
        self._timeout_ns = timeout_ns
        self._finished: Callable[[Flight], None] = _nothing
        self._broken = broken
        self._no_visits = initial_visits(self._steps)
        self._batches = count()
        self._under_way: dict[Flight, int] = {}
        self._counting = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._cancelled: Ended | None = None

    def serve(self, finished: Callable[[Flight], None]) -> None:
        """From now on call ``finished`` with each query, from the thread that ended it."""
        self._finished = finished

    def feed(self, inbox: Channel[Branch]) -> None:
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
        self._stations[self._entry.index].channel.put(self.branch_of(query))

    def branch_of(self, query: Query) -> Branch:
        """The first branch of a new query; it has no payload until a worker takes it."""
        flight = Flight(query)
        return Branch(self._entry, NEW, None, NULL, query[3], 0, self._no_visits, None, flight)

    def _guarded(self, body: Callable[[Station, int], None], station: Station, worker: int) -> None:
        try:
            body(station, worker)
        except BaseException as error:  # a thread must not end silently: the worker reports it
            self._broken(error)

    def _loop(self, station: Station, worker: int) -> None:
        """Call a stage for one payload after the other; the hot path of pipelined execution."""
        step, channel, call, spans = station.step, station.channel, station.step.call, self._spans
        visit, width, mask, numbers = self._visit, spans.width, spans.mask, spans.numbers
        pack, buffer, base = spans.pack, spans.buffer, spans.base
        events, timings = visit.events, visit.timings
        code, direct = code_of(step.index, worker), self._direct(step)
        wait = (step.index, step.next.index) not in self._inside_cycle
        append = (direct or channel).append
        get = channel.get
        while (here := get()) is not None:
            if channel.waiting:
                channel.got()
            flight: Flight = here.flight
            if here.payload is NEW and not self._begin(here):
                continue
            if flight.ended is not None:
                self._branch_ended(flight, NULL)
                continue
            start = clock()
            if start > flight.deadline:
                self._end_branch(flight, start, waited_too_long(step))
                continue
            if direct is None or step.tracked:
                self._call(here, step, code)
                continue
            query, parent, ready, number = flight.query[0], here.parent, here.ready, here.number
            place = here.id << 32 | number
            start = clock()
            try:
                result = call(here.payload)
            except Exception as error:  # a stage may raise anything: it is this query's end
                self._failed(here, (query, parent, place, code, ready, start, clock()), error)
                continue
            end = clock()
            span = next(numbers)
            if here.others or events or timings or end > flight.deadline:
                row = (query, parent, place, code, ready, start, end)
                self._slow(here, step, result, span, row)
                continue
            if span >= spans.limit:
                spans.wait(span)
            offset = base + (span & mask) * width
            pack(buffer, offset, query, parent, place, code, ready, start, end, span + 1)
            here.payload, here.source, here.parent, here.ready = result, step, span, end
            here.number, here.step = 1, step.next
            if wait and direct.size() >= direct.bound:
                direct.wait_for_room()
            append(here)  # the last thing before `get`: see `Channel`

    def _direct(self, step: Step) -> Channel[Branch] | None:
        """The channel behind an edge that every payload takes, without joins or bounds."""
        if step.kind != ONE or step.next.special:
            return None
        return self._stations[step.next.index].channel

    def _begin(self, here: Branch) -> bool:
        """Fetch the items of a new query; false where that failed, or it was cancelled."""
        flight, started = here.flight, clock()
        if not self._goes_under_way(flight, started):
            return False
        query, visit = flight.query, self._visit
        first = (query[0], NULL, FIRST_PLACE, len(self._steps), query[3], started)
        visit.query, visit.number = query[0], 1
        try:
            here.payload = self._fetch(query[1])
        except Exception as error:  # a data set may raise anything: it is this query's end
            self._failed(here, (*first, clock()), error)
            return False
        end = here.ready = clock()
        span = here.parent = next(self._spans.numbers)
        if visit.events:
            self._records.beside(span, (), visit.events)
        self._spans.fill(span, *first, end)
        if self._entry.special:
            flight.joins = Joins()
            arrive(here, flight.joins)
        return True

    def _goes_under_way(self, flight: Flight, started: int) -> bool:
        """Whether a query starts; ends it where it was cancelled before."""
        with self._counting:
            cancelled = self._cancelled
            if cancelled is None:
                flight.started, flight.deadline = started, started + self._timeout_ns
                self._under_way[flight] = started
                if len(self._under_way) == 1:
                    self._note_oldest()
        if cancelled is not None:
            self._end_branch(flight, NULL, cancelled)
        return cancelled is None

    def _call(self, here: Branch, step: Step, code: int) -> None:
        """Call a stage that routes, forks, ends, or asks which visit it is."""
        visit, query = self._visit, here.flight.query[0]
        visit.query, visit.number = query, here.number
        place = place_of(here.id, here.number)
        target: Step | None = None
        start = clock()
        try:
            result = step.call(here.payload)
            end = clock()
            if step.kind == ROUTE:
                route, target, result = routed(step, result)
                code += route_code(route)
        except Exception as error:  # a stage may raise anything: it is this query's end
            row = (query, here.parent, place, code, here.ready, start, clock())
            self._failed(here, row, error)
            return
        span = next(self._spans.numbers)
        row = (query, here.parent, place, code, here.ready, start, end)
        self._slow(here, step, result, span, row, target)

    def _slow(
        self,
        here: Branch,
        step: Step,
        result: Payload,
        span: int,
        row: tuple[int, ...],
        target: Step | None = None,
        batch: tuple[int, int] = NO_BATCH,
    ) -> None:
        """Record a span with all that it may have, then send the branch on."""
        visit, end = self._visit, row[-1]
        if here.others or visit.events:
            self._records.beside(span, here.others, visit.events)
            here.others = ()
        if visit.timings:
            here.flight.timed.append((span, visit.timings.pop(), row, batch))
        else:
            if batch is not NO_BATCH:
                self._records.rings.extras.put(span, *batch, NULL)
            self._spans.fill(span, *row)
        self._onward(here, step, target, result, span, end)

    def _failed(
        self,
        here: Branch,
        row: tuple[int, ...],
        error: BaseException,
        batch: tuple[int, int] = NO_BATCH,
    ) -> None:
        self._records.failed(row, here.others, self._visit, batch)
        self._end_branch(here.flight, row[-1], failure(error))

    def _batch_loop(self, station: Station, worker: int) -> None:
        code = code_of(station.step.index, worker)
        over = False
        while not over and (first := station.channel.get()) is not None:
            if station.channel.waiting:
                station.channel.got()
            items, over = self._gather(station, first)
            taken = [here for here in items if self._goes_on(here, station.step)]
            if taken:
                self._call_batch(taken, station.step, code)

    def _goes_on(self, here: Branch, step: Step) -> bool:
        if here.payload is NEW:
            return self._begin(here)
        if here.flight.ended is not None:
            self._branch_ended(here.flight, NULL)
            return False
        if (now := clock()) > here.flight.deadline:
            self._end_branch(here.flight, now, waited_too_long(step))
            return False
        return True

    def _gather(self, station: Station, first: Branch) -> tuple[list[Branch], bool]:
        """Up to a batch of branches, as many as come in time; true where the channel ended."""
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

    def _call_batch(self, taken: list[Branch], step: Step, code: int) -> None:
        """Call a stage once for the payloads of several queries; each gets its own span."""
        batch, visit = (next(self._batches), len(taken)), self._visit
        visit.query, visit.number = taken[0].flight.query[0], taken[0].number
        start = clock()
        try:
            results = step.call([here.payload for here in taken])
            end = clock()
            _check_batch(step, results, len(taken))
        except Exception as error:  # a stage may raise anything: it ends all queries of the batch
            end = clock()
            for here in taken:
                self._failed(here, _row(here, code, start, end), error, batch)
            return
        timing = visit.timings.pop() if visit.timings else None
        for here, result in zip(taken, results, strict=True):
            if timing is not None:
                visit.timings.append(timing)
            self._batch_member(here, step, result, _row(here, code, start, end), batch)

    def _batch_member(
        self,
        here: Branch,
        step: Step,
        result: Payload,
        row: tuple[int, ...],
        batch: tuple[int, int],
    ) -> None:
        """Record the span of one payload of a batch, and send its branch on."""
        target: Step | None = None
        query, parent, place, code, *times = row
        try:
            if step.kind == ROUTE:
                route, target, result = routed(step, result)
                code += route_code(route)
        except Exception as error:  # what it chose may be of any type: it is this query's end
            self._failed(here, row, error, batch)
            return
        span = next(self._spans.numbers)
        self._slow(here, step, result, span, (query, parent, place, code, *times), target, batch)

    def _onward(
        self, here: Branch, step: Step, target: Step | None, result: Payload, span: int, end: int
    ) -> None:
        """Send a branch over the edges that leave its step."""
        flight: Flight = here.flight
        if end > flight.deadline:
            self._end_branch(flight, end, timed_out(step))
        elif step.kind == SINK:
            self._records.output(flight.query[0], step.name, here.id, result)
            self._branch_ended(flight, end)
        elif step.kind == FAN:
            self._fan(flight, here, result, span, end)
        else:
            here.payload, here.source, here.parent, here.ready = result, step, span, end
            here.step, here.number = step.next if target is None else target, 1
            self._deliver(here, step, end)

    def _fan(self, flight: Flight, here: Branch, result: Payload, span: int, end: int) -> None:
        if flight.lock is None:  # this thread alone has the query: its first fork
            flight.lock, flight.joins = threading.Lock(), flight.joins or Joins()
        assert flight.joins is not None
        with flight.lock:
            children = flight.joins.fan(here.step, here, result, span, end)
            flight.live += len(children) - 1
        for child in children:
            self._deliver(child, here.step, end)

    def _deliver(self, here: Branch, source: Step, end: int) -> None:
        """Put a branch in front of its next stage, through joins and bounds."""
        going: Branch | None = here
        if here.step.special:
            try:
                going = self._arrived(here.flight, here)
            except JoinError as error:
                self._end_branch(here.flight, end, failure(error))
                return
            if going is None:
                self._branch_ended(here.flight, end)
                return
        assert going is not None
        wait = (source.index, going.step.index) not in self._inside_cycle
        self._stations[going.step.index].channel.put(going, wait)

    def _arrived(self, flight: Flight, here: Branch) -> Branch | None:
        if flight.lock is None:
            flight.joins = flight.joins or Joins()
            return arrive(here, flight.joins)
        assert flight.joins is not None
        with flight.lock:
            return arrive(here, flight.joins)

    def _end_branch(self, flight: Flight, end: int, ended: Ended) -> None:
        """End a branch that failed; the other branches of its query end where they are."""
        flight.ended = flight.ended or ended
        self._branch_ended(flight, end)

    def _branch_ended(self, flight: Flight, end: int) -> None:
        if flight.lock is None:
            flight.done = end
            self._query_ended(flight)
            return
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
        self._count(flight)
        self._finished(flight)

    def _count(self, flight: Flight) -> None:
        """Tell the driver and the supervisor that a query has ended."""
        with self._counting:
            self._cells[Slot.ENDED] += 1
            self._cells[Slot.FAILED] += flight.ended is not None
            oldest = next(iter(self._under_way), None) is flight
            self._under_way.pop(flight, None)
            if oldest:
                self._note_oldest()

    def _note_oldest(self) -> None:
        """Tell the supervisor which query has been under way for longest."""
        flight, started = next(iter(self._under_way.items()), (None, 0))
        if flight is not None:
            self._cells[Slot.OLDEST_QUERY] = flight.query[0]
        self._cells[Slot.OLDEST_STARTED_NS] = started

    def cancel(self) -> None:
        """End every query under way where it is; those that wait never start."""
        cancelled = Ended(Outcome.CANCELLED, CANCELLED)
        with self._counting:
            self._cancelled = cancelled
            flights = list(self._under_way)
        for flight in flights:
            flight.ended = flight.ended or cancelled


def _row(here: Branch, code: int, start: int, end: int) -> tuple[int, ...]:
    place = place_of(here.id, here.number)
    return (here.flight.query[0], here.parent, place, code, here.ready, start, end)


def _nothing(flight: Flight) -> None:
    """What happens at a query's end until somebody asks for more."""


def _check_batch(step: Step, results: object, size: int) -> None:
    if not isinstance(results, list | tuple) or len(results) != size:
        got = (
            f"{len(results)} of them"
            if isinstance(results, list | tuple)
            else type(results).__name__
        )
        raise QueryError(
            f"the stage {step.name!r} got a batch of {size} payloads and returned {got}; "
            f"a batched stage returns a list of {size} results"
        )
