"""The serial executor: one query at a time, in one thread, with no hand-offs.

This is the path with the least overhead, so its loop is written out: attributes are read
into locals, a span is packed in place, and everything that a chain does not need (joins,
bounded loops, fan-out, device timers) leaves the loop through a function.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns as clock

from mlbench.engine.flow import (
    ONE,
    ROUTE,
    SINK,
    Arrival,
    Joins,
    Step,
    arrive,
    initial_visits,
    routed,
)
from mlbench.engine.page import Page, Slot
from mlbench.engine.records import Ended, Query, Records, TimedSpan, failure, timed_out
from mlbench.engine.ring import HEADER
from mlbench.errors import JoinError
from mlbench.records import NULL, Outcome
from mlbench.stage import Payload, Visit

__all__ = ["Serial"]

DONE = int(Outcome.DONE)
OLDEST_QUERY, OLDEST_STARTED_NS = int(Slot.OLDEST_QUERY), int(Slot.OLDEST_STARTED_NS)
ENDED, FAILED = int(Slot.ENDED), int(Slot.FAILED)

class Serial:
    """Runs queries one after the other.

    Parameters
    ----------
    fetch
        Gives the payload of an item.
    steps, entry
        The graph.
    timeout_ns
        Of a query, from the start of its first span; looked at after each stage.
    """

    def __init__(
        self,
        fetch: Callable[[int], Payload],
        steps: list[Step],
        entry: Step,
        records: Records,
        visit: Visit,
        page: Page,
        timeout_ns: int,
    ) -> None:
        self._fetch = fetch
        self._steps = steps
        self._entry = entry
        self._records = records
        self._visit = visit
        self._cells = page.cells
        self._timeout_ns = timeout_ns
        self._no_visits = initial_visits(steps)
        self._timed: list[TimedSpan] = []

    def run(self, query: Query) -> int:
        """Take one query through the graph; returns when it was done, in ns.

        Whatever a stage raises ends this query and nothing else.
        """
        cells = self._cells
        started = clock()
        cells[OLDEST_QUERY] = query[0]
        cells[OLDEST_STARTED_NS] = started
        ended: Ended | None
        data = len(self._steps)
        try:
            payload = self._fetch(query[1])
        except Exception as error:  # a data set may raise anything: it is this query's end
            done = clock()
            self._records.failed_span(query[0], 0, 1, NULL, data, query[3], started, done)
            ended = failure(error)
        else:
            done = clock()
            span = self._records.data_span(query[0], data, query[3], started, done)
            first = Arrival(self._entry, payload, None, span, done, visits=self._no_visits)
            done, ended = self._graph(query[0], first, started + self._timeout_ns)
        if self._timed:
            self._records.timed_spans(self._timed)
        self._records.completion(query, started, done, ended)
        cells[OLDEST_STARTED_NS] = 0
        cells[ENDED] += 1
        if ended is not None:
            cells[FAILED] += 1
        return done

    def _graph(self, query: int, here: Arrival, deadline: int) -> tuple[int, Ended | None]:
        """Run the stages; returns when the last one ended, and what ended it early, if anything."""
        joins, stack, end = Joins(), [here], here.ready
        ended: Ended | None = None
        while stack and ended is None:
            end, ended = self._branch(query, stack.pop(), joins, stack, end, deadline)
        if ended is None and joins.waiting:
            ended = Ended(Outcome.FAILED, joins.unfinished(self._steps))
        return end, ended

    def _branch(
        self, query: int, here: Arrival, joins: Joins, stack: list[Arrival], end: int, deadline: int
    ) -> tuple[int, Ended | None]:
        """Run one branch until it ends, forks or waits in a join.

        The hot loop of mlbench: about a microsecond for each stage of a chain.
        """
        spans, records, visit = self._records.rings.spans, self._records, self._visit
        pack, buffer, width, mask = spans.pack, spans.buffer, spans.width, spans.mask
        numbers, events, timings = spans.numbers, visit.events, visit.timings
        step, payload, parent, ready = here.step, here.payload, here.parent, here.ready
        source, branch, route, visit_number = here.source, here.branch, NULL, 1
        while True:
            if step.special:
                came = Arrival(step, payload, source, parent, ready, branch, here.visits, here.frames)
                try:
                    entered = arrive(came, joins)
                except JoinError as error:
                    return end, failure(error)
                if entered is None:
                    return end, None
                here, step, payload, branch = entered, entered.step, entered.payload, entered.branch
                parent, ready, visit_number = entered.parent, entered.ready, entered.number
            else:
                visit_number = 1
            if step.tracked:
                visit.query, visit.number = query, visit_number
            start = clock()
            try:
                result = step.call(payload)
                end = clock()
                if step.kind == ROUTE:
                    route, target, result = routed(step, result)
            except Exception as error:  # a stage may raise anything: it is this query's end
                end = clock()
                where = (query, branch, visit_number, parent, step.index)
                failed = records.failed_span(*where, ready, start, end, here.others)
                records.events(failed, events)
                return end, failure(error)
            span = next(numbers)
            if span >= spans.limit:
                spans.wait(span)
            if here.others:
                records.links(span, here.others)
                here.others = ()
            row = (span, query, branch, visit_number, parent, step.index, 0, NULL, NULL,
                   ready, start, end)  # fmt: skip
            if timings:
                self._timed.append((row, timings.pop(), route))
            else:
                pack(buffer, HEADER + (span & mask) * width, *row, NULL, DONE, route, span + 1)
            if events:
                records.events(span, events)
            if end > deadline:
                return end, timed_out(step)
            source, parent, ready, payload = step, span, end, result
            if step.kind == ONE:
                step = step.next
            elif step.kind == ROUTE:
                step, route = target, NULL
            elif step.kind == SINK:
                records.output(query, step.name, branch, result)
                return end, None
            else:
                stack.extend(reversed(joins.fan(step, here, result, span, end)))
                return end, None
