"""A chain, run by one function: the serial executor's shortest way.

Most pipelines are chains, and what takes little time is measured best. So where nothing
forks, routes, loops, is timed on a device or asks which visit it is in, a query runs in
this one loop, with no call of ours inside of it; what it records is what `serial` would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from mmap import mmap
from time import monotonic_ns as clock

from mlbench.engine.flow import ONE, SINK, Step
from mlbench.engine.page import Page, Slot
from mlbench.engine.records import (
    DONE_LOAD,
    Query,
    Records,
    failure,
    timed_out,
    waited_too_long,
)
from mlbench.engine.ring import Ring
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
    spans, events, sink = records.rings.spans, visit.events, steps[-1].name
    pack, buffer, base, width, mask, numbers = _parts(spans)
    calls = [(fetch, data), *((step.call, step.code) for step in steps)]
    late = {data: waited_too_long(steps[0]), **{step.code: timed_out(step) for step in steps}}
    cells, oldest, oldest_ns = page.cells, int(Slot.OLDEST_QUERY), int(Slot.OLDEST_STARTED_NS)
    ended_slot, failed_slot, counted = int(Slot.ENDED), int(Slot.FAILED), count(1)
    ahead, output = len(calls) + 2, records.output if records.keeps_outputs else None
    rows = records.rings.completions
    put, table, row_base, row_width, row_mask, row_numbers = _parts(rows)

    def run(query: Query) -> int:
        number, item, due, sent, received = query
        payload, ready = item, sent
        start = started = clock()
        cells[oldest] = number
        cells[oldest_ns] = started
        deadline, parent, ended = started + timeout_ns, NULL, None
        try:
            for call, code in calls:
                payload = call(payload)
                end = clock()
                span = next(numbers)
                if events:
                    records.beside(span, (), events)
                offset = base + (span & mask) * width
                pack(buffer, offset, number, parent, FIRST_PLACE, code, ready, start, end, span + 1)
                if end > deadline:
                    ended = late[code]
                    break
                parent, ready = span, end
                start = clock()
            else:
                if output is not None:
                    output(number, sink, 0, payload)
        except Exception as error:  # a stage may raise anything: it is this query's end
            end = clock()
            records.failed((number, parent, FIRST_PLACE, code, ready, start, end), (), visit)
            ended = failure(error)
        if parent + ahead >= spans.limit:  # before the next query there is room for all its spans
            spans.wait(parent + ahead)
        ending = DONE_LOAD
        if ended is not None or number < 0:
            ending = records.ending(number, ended)
            cells[failed_slot] += ended is not None
        row = next(row_numbers)
        if row >= rows.limit:
            rows.wait(row)
        offset = row_base + (row & row_mask) * row_width
        put(table, offset, number, item, due, sent, received, started, end, ending, row + 1)
        cells[oldest_ns] = 0
        cells[ended_slot] = next(counted)  # the ring has the warm-up's rows, too
        return end

    return run


def _parts(ring: Ring) -> tuple[Callable[..., None], mmap, int, int, int, Iterator[int]]:
    return ring.pack, ring.buffer, ring.base, ring.width, ring.mask, ring.numbers
