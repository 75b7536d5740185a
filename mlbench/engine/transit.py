"""A branch between two stages in pipelined execution: what is recorded, and where it goes.

The same semantics as in serial execution: what decides is in `flow`. Whatever ends a query
may begin another one, which the same thread goes on with; so all of these return branches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic_ns as clock

from mlbench.engine.flight import Flight
from mlbench.engine.flights import Branches, Flights
from mlbench.engine.flow import FAN, ROUTE, SINK, Branch, Joins, Step, arrive, routed
from mlbench.engine.pool import Events, Timings
from mlbench.engine.records import NO_BATCH, Records, failure, timed_out, waited_too_long
from mlbench.engine.rows import FIRST_PLACE, place_of, route_code
from mlbench.errors import JoinError
from mlbench.interfaces.stage import Payload, Visit
from mlbench.records import NULL

__all__ = ["NEW", "Transit"]

NEW = object()
"""The payload of a branch whose query has not started."""


class Transit:
    """Brings branches to their stages and away from them.

    Parameters
    ----------
    fetch
        Gives the payload of an item.
    steps, entry
        The graph.
    """

    def __init__(
        self,
        fetch: Callable[[int], Payload],
        steps: list[Step],
        entry: Step,
        records: Records,
        visit: Visit,
        flights: Flights,
    ) -> None:
        self._fetch = fetch
        self._data = len(steps)
        self._entry = entry
        self._records = records
        self._spans = records.rings.spans
        self._visit = visit
        self._flights = flights

    def stopped(self, here: Branch, now: int, step: Step) -> Branches | None:
        """Begin a query that is new. Null if its branch gets to its stage, else what goes on."""
        flight = here.flight
        if here.payload is NEW and (ended := self._begin(here, now)) is not None:
            return ended
        if flight.ended is not None:
            return self._flights.branch_ended(flight, NULL)
        if (now := max(now, here.ready)) > flight.deadline:  # new: its items have just come
            return self._flights.end_branch(flight, now, waited_too_long(step))
        return None

    def _begin(self, here: Branch, started: int) -> Branches | None:
        """Fetch the items of a new query; null, or what goes on if it has ended with that."""
        flight, visit = here.flight, self._visit
        cancelled = self._flights.start(flight, started)
        if cancelled is not None:
            return self._flights.end_branch(flight, NULL, cancelled)
        number, item, _, sent, _ = flight.query
        first = (number, NULL, FIRST_PLACE, self._data, sent, started)
        visit.query, visit.number = number, 1
        try:
            here.payload = self._fetch(item)
        except Exception as error:  # a data set may raise anything: it is this query's end
            return self.failed(here, (*first, clock()), error)
        end = here.ready = clock()
        span = here.parent = next(self._spans.numbers)
        if visit.events:
            self._records.beside(span, (), visit.events)
        self._put(span, *first, end)
        if self._entry.special:
            flight.joins = Joins()
            arrive(here, flight.joins)
        return None

    def visit(
        self, here: Branch, step: Step, code: int, events: Events, timings: Timings
    ) -> Branches:
        """Bring a branch to a stage, call it, and bring it to the next."""
        flight: Flight = here.flight
        start = clock()
        if start > flight.until and (ended := self.stopped(here, start, step)) is not None:
            return ended
        if step.tracked:
            self._visit.query, self._visit.number = flight.number, here.number
        target, call, payload = step.next, step.call, here.payload
        query, parent, ready = flight.number, here.parent, here.ready
        place = place_of(here.id, here.number)
        start = clock()
        try:
            result = call(payload)
            end = clock()
            if step.kind == ROUTE:
                route, target, result = routed(step, result)
                code += route_code(route)
        except Exception as error:  # a stage may raise anything: it is this query's end
            return self.failed(here, (query, parent, place, code, ready, start, clock()), error)
        span = next(self._spans.numbers)
        if here.others or events or timings:
            row = (query, parent, place, code, ready, start, end)
            self.record(here, span, row, NO_BATCH, events, timings)
        else:
            self._put(span, query, parent, place, code, ready, start, end)
        return self.onward(here, step, target, result, span, end)

    def record(
        self,
        here: Branch,
        span: int,
        row: tuple[int, ...],
        batch: tuple[int, int],
        events: Events,
        timings: Timings,
    ) -> None:
        """Record a span with all that it may have."""
        if here.others or events:
            self._records.beside(span, here.others, events)
            here.others = ()
        if timings:
            here.flight.timed.append((span, timings.pop(), row, batch))
            return
        if batch is not NO_BATCH:
            self._records.rings.extras.put(span, *batch, NULL)
        self._put(span, *row)

    def _put(
        self, span: int, query: int, parent: int, place: int, code: int, ready: int, start: int,
        end: int,
    ) -> None:  # fmt: skip
        spans = self._spans
        if span >= spans.limit:
            spans.wait(span)
        offset = (span & spans.mask) * spans.width
        spans.pack(spans.table, offset, query, parent, place, code, ready, start, end, span + 1)

    def failed(
        self,
        here: Branch,
        row: tuple[int, ...],
        error: BaseException,
        batch: tuple[int, int] = NO_BATCH,
    ) -> Branches:
        """Record a span whose stage raised, and end its query."""
        self._records.failed(row, here.others, self._visit, batch)
        return self._flights.end_branch(here.flight, row[-1], failure(error))

    def onward(
        self, here: Branch, step: Step, target: Step, result: Payload, span: int, end: int
    ) -> Branches:
        """Bring a branch over the edges that leave its step."""
        flight: Flight = here.flight
        if end > flight.deadline:
            return self._flights.end_branch(flight, end, timed_out(step))
        if step.kind == SINK:
            if self._records.keeps_outputs:
                self._records.output(flight.number, step.name, here.id, result)
            return self._flights.branch_ended(flight, end)
        if step.kind == FAN:
            return self._fan(here, step, result, span, end)
        here.payload, here.source, here.parent, here.ready = result, step, span, end
        here.step, here.number = target, 1
        return self._arrived(here, end) if target.special else (here,)

    def _fan(self, here: Branch, step: Step, result: Payload, span: int, end: int) -> Branches:
        flight: Flight = here.flight
        if flight.lock is None:  # this thread alone has the query: its first fork
            flight.lock, flight.joins = threading.Lock(), flight.joins or Joins()
        assert flight.joins is not None
        with flight.lock:
            children = flight.joins.fan(step, here, result, span, end)
            flight.live += len(children) - 1
        going: Branches = ()
        for child in children:
            going += self._arrived(child, end) if child.step.special else (child,)
        return going

    def _arrived(self, here: Branch, end: int) -> Branches:
        """What comes to a stage with a join or a bound: the branch, what was joined, or none."""
        flight: Flight = here.flight
        try:
            if flight.lock is None:
                flight.joins = flight.joins or Joins()
                going = arrive(here, flight.joins)
            else:
                assert flight.joins is not None
                with flight.lock:
                    going = arrive(here, flight.joins)
        except JoinError as error:
            return self._flights.end_branch(flight, end, failure(error))
        return self._flights.branch_ended(flight, end) if going is None else (going,)
