"""A chain, run by one function: the serial executor's shortest way.

Most pipelines are chains, and what takes little time is measured best. So where nothing
forks, routes, loops, is timed on a device or asks which visit it is in, a query runs in
this one loop, with no call of ours inside of it; what it records is what `serial` would.

The loop is a generator's, whose variables stay where they are between two queries: to hand
thirty of them to a function, call by call, takes as long as a stage that does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from time import monotonic_ns as clock

from mlbench.engine.flow import ONE, SINK, Step
from mlbench.engine.page import Page, Slot
from mlbench.engine.records import (
    DONE_LOAD,
    Ended,
    Query,
    Records,
    failure,
    timed_out,
    waited_too_long,
)
from mlbench.engine.ring import Numbers, Ring
from mlbench.engine.rows import FIRST_PLACE
from mlbench.interfaces.stage import Payload, Visit
from mlbench.records import NULL

__all__ = ["chain_of", "chain_runner"]


def chain_of(entry: Step) -> list[Step] | None:
    """The steps from ``entry`` to the only sink; null if the graph is more than a chain."""
    steps = [entry]
    while steps[-1].kind == ONE and not steps[-1].special:
        steps.append(steps[-1].next)
    plain = steps[-1].kind == SINK and not any(step.special or step.tracked for step in steps)
    return steps if plain else None


def chain_runner(
    fetch: Callable[[int], Payload], steps: list[Step], data: int, records: Records, visit: Visit,
    page: Page, timeout_ns: int,
) -> Callable[[Query], int]:  # fmt: skip
    """A function that runs one query through a chain, and returns when it was done, in ns."""
    calls = [(fetch, data), *((step.call, step.code) for step in steps)]
    late = {data: waited_too_long(steps[0]), **{step.code: timed_out(step) for step in steps}}
    queries = _queries(calls, late, steps[-1].name, records, visit, page, timeout_ns)
    next(queries)
    return queries.send


def _queries(
    calls: list[tuple[Callable[[Payload], Payload], int]], late: dict[int, Ended], sink: str,
    records: Records, visit: Visit, page: Page, timeout_ns: int,
) -> Generator[int, Query, None]:  # fmt: skip
    """Takes queries and gives when each was done; what ends the pipeline ends it, too."""
    now, no_parent, first_place, done = clock, NULL, FIRST_PLACE, DONE_LOAD
    spans, rows = records.rings.spans, records.rings.completions
    pack, table, width, mask, numbers = _parts(spans)
    put, row_table, row_width, row_mask, row_numbers = _parts(rows)
    cells, oldest, oldest_ns = page.cells, int(Slot.OLDEST_QUERY), int(Slot.OLDEST_STARTED_NS)
    ended_slot, failed_slot = int(Slot.ENDED), int(Slot.FAILED)
    events, output = visit.events, records.output if records.keeps_outputs else None
    ahead, room, row_limit = len(calls), spans.limit - len(calls), rows.limit
    payload: Payload = None
    end = counted = 0
    while True:
        number, item, due, sent, received = yield end
        payload, ready, span = item, sent, numbers.next
        start = started = now()
        cells[oldest] = number
        cells[oldest_ns] = started
        deadline, parent, ended = started + timeout_ns, no_parent, None
        try:
            for call, code in calls:
                payload = call(payload)
                end = now()
                if events:
                    records.beside(span, (), events)
                offset, mark = (span & mask) * width, span + 1
                pack(table, offset, number, parent, first_place, code, ready, start, end, mark)
                parent, span, ready = span, mark, end
                if end > deadline:
                    ended = late[code]
                    break
                start = now()
            else:
                if output is not None:
                    output(number, sink, 0, payload)
            numbers.next = span
        except Exception as error:  # a stage may raise anything: it is this query's end
            end, numbers.next = now(), span
            records.failed((number, parent, first_place, code, ready, start, end), (), visit)
            span, ended = numbers.next, failure(error)
        if span >= room:  # before the next query there is room for all its spans
            room = spans.wait(span + ahead) - ahead
        ending, row = done, row_numbers.next
        if ended is not None or number < 0:
            ending = records.ending(number, ended)
            cells[failed_slot] += ended is not None
        if row >= row_limit:
            row_limit = rows.wait(row)
        offset, mark = (row & row_mask) * row_width, row + 1
        put(row_table, offset, number, item, due, sent, received, started, end, ending, mark)
        row_numbers.next = mark
        cells[oldest_ns] = 0
        counted += 1
        cells[ended_slot] = counted  # the ring has the warm-up's rows, too
        payload = None  # what the last stage gave is not kept until the next query


def _parts(ring: Ring) -> tuple[Callable[..., None], memoryview, int, int, Numbers]:
    return ring.pack, ring.table, ring.width, ring.mask, ring.alone()
