"""Dynamic batches: one call for the payloads of several queries, and a span for each."""

from __future__ import annotations

from itertools import count
from time import monotonic_ns as clock

from mlbench.engine.flights import Branches
from mlbench.engine.flow import ROUTE, Branch, Step, routed
from mlbench.engine.pool import Events, Timings
from mlbench.engine.records import Records
from mlbench.engine.rows import place_of, route_code
from mlbench.engine.transit import Transit
from mlbench.errors import QueryError
from mlbench.interfaces.stage import Payload, Visit

__all__ = ["Batches"]


class Batches:
    """Calls the stages of a pipeline that take batches; no two of them have the same id."""

    def __init__(self, records: Records, visit: Visit, transit: Transit) -> None:
        self._spans = records.rings.spans
        self._visit = visit
        self._transit = transit
        self._ids = count()

    def visit(
        self, items: list[Branch], step: Step, code: int, events: Events, timings: Timings
    ) -> Branches:
        """Bring branches to a stage, call it once, and bring each to its next stage."""
        going: Branches = ()
        taken = []
        for here in items:
            now = clock()
            ended = self._transit.stopped(here, now, step) if now > here.flight.until else None
            if ended is None:
                taken.append(here)
            else:
                going += ended
        if taken:
            going += self._call(taken, step, code, events, timings)
        return going

    def _call(
        self, taken: list[Branch], step: Step, code: int, events: Events, timings: Timings
    ) -> Branches:
        batch = next(self._ids), len(taken)
        going: Branches = ()
        self._visit.query, self._visit.number = taken[0].flight.number, taken[0].number
        start = clock()
        try:
            results = step.call([here.payload for here in taken])
            end = clock()
            _check(step, results, len(taken))
        except Exception as error:  # a stage may raise anything: it ends all queries of the batch
            end = clock()
            for here in taken:
                going += self._transit.failed(here, _row(here, code, start, end), error, batch)
            return going
        timing = timings.pop() if timings else None
        for here, result in zip(taken, results, strict=True):
            if timing is not None:
                timings.append(timing)
            row = _row(here, code, start, end)
            going += self._member(here, step, result, row, batch, events, timings)
        return going

    def _member(
        self,
        here: Branch,
        step: Step,
        result: Payload,
        row: tuple[int, ...],
        batch: tuple[int, int],
        events: Events,
        timings: Timings,
    ) -> Branches:
        """Record the span of one payload of a batch, and bring its branch on."""
        target = step.next
        query, parent, place, code, *times = row
        try:
            if step.kind == ROUTE:
                route, target, result = routed(step, result)
                code += route_code(route)
        except Exception as error:  # what it chose may be of any type: it is this query's end
            return self._transit.failed(here, row, error, batch)
        span = next(self._spans.numbers)
        whole = (query, parent, place, code, *times)
        self._transit.record(here, span, whole, batch, events, timings)
        return self._transit.onward(here, step, target, result, span, row[-1])


def _row(here: Branch, code: int, start: int, end: int) -> tuple[int, ...]:
    place = place_of(here.id, here.number)
    return (here.flight.number, here.parent, place, code, here.ready, start, end)


def _check(step: Step, results: object, size: int) -> None:
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
