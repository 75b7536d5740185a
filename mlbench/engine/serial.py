"""The serial executor: one query at a time, in one thread, with no hand-offs.

This is the path with the least overhead: about a microsecond for each stage of a chain.
So its loop is written out. What it reads are variables of the enclosing function, a span
is packed in place, and what a chain does not need (joins, bounded loops, fan-out, device
timers) leaves the loop through a function.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from time import monotonic_ns as clock

from mlbench.engine.chain import chain_of, chain_runner
from mlbench.engine.flow import (
    ONE,
    ROUTE,
    SINK,
    Branch,
    Joins,
    Step,
    Visits,
    arrive,
    initial_visits,
    routed,
)
from mlbench.engine.page import Page, Slot
from mlbench.engine.records import (
    DONE_LOAD,
    NO_BATCH,
    Ended,
    Query,
    Records,
    TimedSpan,
    failure,
    timed_out,
    waited_too_long,
)
from mlbench.engine.rows import FIRST_PLACE, place_of, route_code
from mlbench.errors import JoinError
from mlbench.interfaces.stage import Payload, Visit
from mlbench.records import NULL, Outcome

__all__ = ["Serial"]

BranchRunner = Callable[
    [int, "Branch | None", Step, Payload, int, int, int], tuple[int, "Ended | None"]
]


GOES_ON = frozenset((ONE, ROUTE))


class Trail:
    """What a query leaves behind while it runs, beyond its first branch."""

    __slots__ = ("joins", "stack", "timed")

    def __init__(self) -> None:
        self.joins = Joins()
        self.stack: list[Branch] = []
        self.timed: list[TimedSpan] = []

    def clear(self) -> None:
        """Forget the query."""
        self.joins = Joins()
        self.stack.clear()


class Serial:
    """Runs queries one after the other, in the thread that made it.

    Parameters
    ----------
    fetch
        Gives the payload of an item.
    steps, entry
        The graph.
    timeout_ns
        Of a query, from the start of its first span; looked at after each stage.

    Attributes
    ----------
    run
        Takes one query through the graph and returns when it was done, in ns. Whatever
        `Exception` a stage raises ends this query and nothing else.
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
        chain = chain_of(entry)
        if chain and len(chain) < records.rings.spans.slots // 2:
            self.run = chain_runner(fetch, chain, len(steps), records, visit, page, timeout_ns)
            return
        trail = Trail()
        branch = _branch_runner(records, visit, trail, initial_visits(steps))
        rest = _rest_runner(branch, trail, steps)
        begin = _beginner(fetch, entry, len(steps), records, visit, branch, rest, trail, timeout_ns)
        self.run = _query_runner(begin, records, page)


Begin = Callable[[int, int, int, int], tuple[int, Ended | None]]


def _query_runner(begin: Begin, records: Records, page: Page) -> Callable[[Query], int]:
    """A function that runs one query and puts its row."""
    ring, cells = records.rings.completions, page.cells
    pack, table, width, mask = ring.pack, ring.table, ring.width, ring.mask
    numbers, counted = ring.numbers, count(1)
    oldest_query, oldest_started = int(Slot.OLDEST_QUERY), int(Slot.OLDEST_STARTED_NS)
    ended_slot, failed_slot = int(Slot.ENDED), int(Slot.FAILED)

    def run(query: Query) -> int:
        number, item, due, sent, received = query
        started = clock()
        cells[oldest_query] = number
        cells[oldest_started] = started
        done, ended = begin(number, item, sent, started)
        ending = DONE_LOAD
        if ended is not None or number < 0:
            ending = records.ending(number, ended)
            cells[failed_slot] += ended is not None
        row = next(numbers)
        if row >= ring.limit:
            ring.wait(row)
        offset = (row & mask) * width
        pack(table, offset, number, item, due, sent, received, started, done, ending, row + 1)
        cells[oldest_started] = 0
        cells[ended_slot] = next(counted)  # the ring has the warm-up's rows, too
        return done

    return run


def _beginner(
    fetch: Callable[[int], Payload],
    entry: Step,
    data: int,
    records: Records,
    visit: Visit,
    branch: BranchRunner,
    rest: Callable[[int, int, int, Ended | None], tuple[int, Ended | None]],
    trail: Trail,
    timeout_ns: int,
) -> Begin:
    """A function that fetches the items of a query and takes it through the graph."""
    spans, stack, timed = records.rings.spans, trail.stack, trail.timed
    events, mine = visit.events, vars(visit)  # this thread's own: a store into it is quick
    pack, table, width, mask = spans.pack, spans.table, spans.width, spans.mask
    numbers = spans.numbers

    def begin(number: int, item: int, sent: int, started: int) -> tuple[int, Ended | None]:
        mine["query"], mine["number"] = number, 1
        try:
            payload = fetch(item)
        except Exception as error:  # a data set may raise anything: it is this query's end
            end = clock()
            records.failed((number, NULL, FIRST_PLACE, data, sent, started, end), (), visit)
            return end, failure(error)
        end = clock()
        span = next(numbers)
        if span >= spans.limit:
            spans.wait(span)
        if events:
            records.beside(span, (), events)
        offset = (span & mask) * width
        pack(table, offset, number, NULL, FIRST_PLACE, data, sent, started, end, span + 1)
        if end > started + timeout_ns:
            return end, waited_too_long(entry)
        ran = branch(number, None, entry, payload, span, end, started + timeout_ns)
        if stack or trail.joins.waiting:
            ran = rest(number, started + timeout_ns, *ran)
        if timed:
            records.timed_spans(timed)
        return ran

    return begin


def _rest_runner(
    branch: BranchRunner, trail: Trail, steps: list[Step]
) -> Callable[[int, int, int, Ended | None], tuple[int, Ended | None]]:
    """A function that runs what the first branch of a query has left: other branches, joins."""

    def rest(query: int, deadline: int, done: int, ended: Ended | None) -> tuple[int, Ended | None]:
        stack = trail.stack
        while stack and ended is None:
            here = stack.pop()
            last = done
            done, ended = branch(
                query, here, here.step, here.payload, here.parent, here.ready, deadline
            )
            done = max(done, last)
        if ended is None and trail.joins.waiting:
            ended = Ended(Outcome.FAILED, trail.joins.unfinished(steps))
        trail.clear()
        return done, ended

    return rest


def _branch_runner(records: Records, visit: Visit, trail: Trail, no_visits: Visits) -> BranchRunner:
    """A function that runs one branch until it ends, forks or waits in a join."""
    enter, leave = _entrance(trail, no_visits), _exit(records, trail, no_visits)
    spans = records.rings.spans
    pack, table, width, mask = spans.pack, spans.table, spans.width, spans.mask
    numbers, events, timings = spans.numbers, visit.events, visit.timings

    def branch(
        query: int, here: Branch | None, step: Step, payload: Payload, parent: int, ready: int,
        deadline: int,
    ) -> tuple[int, Ended | None]:  # fmt: skip
        others: tuple[int, ...] = ()
        end = ready
        source = None if here is None else here.source
        first = FIRST_PLACE if here is None else place_of(here.id, 1)
        while True:
            place = first
            if step.special:
                came = enter(here, step, payload, source, parent, ready)
                if not isinstance(came, Branch):  # it waits in a join, or cannot be joined
                    return end, came
                here, step, payload = came, came.step, came.payload
                parent, ready = came.parent, came.ready
                first, place = place_of(here.id, 1), place_of(here.id, here.number)
                others, here.others = here.others, ()
            if step.tracked:
                visit.query, visit.number = query, place & 0xFFFFFFFF
            code, kind, target = step.code, step.kind, step.next
            start = clock()
            try:
                result = step.call(payload)
                end = clock()
                if kind == ROUTE:
                    route, target, result = routed(step, result)
                    code |= route_code(route)
            except Exception as error:  # a stage may raise anything: it is this query's end
                end = clock()
                records.failed((query, parent, place, code, ready, start, end), others, visit)
                return end, failure(error)
            span = next(numbers)
            if span >= spans.limit:
                spans.wait(span)
            if others or events:
                records.beside(span, others, events)
                others = ()
            if timings:
                row = (query, parent, place, code, ready, start, end)
                trail.timed.append((span, timings.pop(), row, NO_BATCH))
            else:
                offset = (span & mask) * width
                pack(table, offset, query, parent, place, code, ready, start, end, span + 1)
            if end > deadline:
                return end, timed_out(step)
            source, parent, ready, payload = step, span, end, result
            if kind not in GOES_ON:
                leave(query, here, step, result, span, end)
                return end, None
            step = target

    return branch


def _exit(
    records: Records, trail: Trail, no_visits: Visits
) -> Callable[[int, Branch | None, Step, Payload, int, int], None]:
    """A function that ends a branch at a sink, or lets it fork."""

    def leave(
        query: int, here: Branch | None, step: Step, result: Payload, span: int, end: int
    ) -> None:
        if step.kind == SINK:
            records.output(query, step.name, here.id if here else 0, result)
        else:
            here = here or Branch(step, None, None, NULL, end, 0, no_visits, None)
            trail.stack.extend(reversed(trail.joins.fan(step, here, result, span, end)))

    return leave


def _entrance(
    trail: Trail, no_visits: Visits
) -> Callable[[Branch | None, Step, Payload, Step | None, int, int], Branch | Ended | None]:
    """A function that brings a branch to a step with a join or a bound."""

    def enter(
        here: Branch | None, step: Step, payload: Payload, source: Step | None, parent: int,
        ready: int,
    ) -> Branch | Ended | None:  # fmt: skip
        if here is None:
            here = Branch(step, payload, source, parent, ready, 0, no_visits, None)
        else:
            here.step, here.payload, here.source = step, payload, source
            here.parent, here.ready = parent, ready
        try:
            return arrive(here, trail.joins)
        except JoinError as error:
            return failure(error)

    return enter
