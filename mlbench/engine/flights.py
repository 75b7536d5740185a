"""The queries under way in pipelined execution: how they begin, are counted down and end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mlbench.engine.flight import Flight
from mlbench.engine.flow import Branch, Step
from mlbench.engine.page import Page, Slot
from mlbench.engine.records import CANCELLED, DONE_LOAD, Ended, Records
from mlbench.records import NULL, Outcome

__all__ = ["Branches", "Flights"]

Branches = tuple[Branch, ...]
"""What goes on after something: the branches that have come to their next stage."""

ENDED, FAILED = int(Slot.ENDED), int(Slot.FAILED)
OLDEST_QUERY, OLDEST_STARTED_NS = int(Slot.OLDEST_QUERY), int(Slot.OLDEST_STARTED_NS)


class Flights:
    """Counts the branches of each query; tells the driver and the supervisor.

    Attributes
    ----------
    finished
        Called with each query that has ended, by the thread that ended it; what it returns
        is the first branch of a query that this thread goes on with.
    """

    def __init__(self, records: Records, steps: list[Step], page: Page, timeout_ns: int) -> None:
        self.finished: Callable[[Flight], Branch | None] = _nothing
        self._records = records
        self._completions = records.rings.completions
        self._steps = steps
        self._cells = page.cells
        self._timeout_ns = timeout_ns
        self._counting = threading.Lock()
        self._under_way: dict[Flight, int] = {}
        self._ended = 0
        self._failed = 0
        self._cancelled: Ended | None = None

    def start(self, flight: Flight, started: int) -> Ended | None:
        """Let a query be under way; null, or why it must not be."""
        with self._counting:
            if self._cancelled is None:
                flight.started = started
                flight.deadline = flight.until = started + self._timeout_ns
                if not self._under_way:
                    self._cells[OLDEST_QUERY] = flight.number
                    self._cells[OLDEST_STARTED_NS] = started
                self._under_way[flight] = started
            return self._cancelled

    def cancel(self) -> None:
        """End every query under way where it is; those that wait never start."""
        cancelled = Ended(Outcome.CANCELLED, CANCELLED)
        with self._counting:
            self._cancelled = cancelled
            flights = list(self._under_way)
        for flight in flights:
            flight.ended = flight.ended or cancelled
            flight.until = 0

    def end_branch(self, flight: Flight, end: int, ended: Ended) -> Branches:
        """End a branch that failed; the other branches of its query end where they are."""
        flight.ended = flight.ended or ended
        flight.until = 0
        return self.branch_ended(flight, end)

    def branch_ended(self, flight: Flight, end: int) -> Branches:
        """End a branch, and its query with the last one."""
        if flight.lock is None:
            flight.done = end
            return self._query_ended(flight)
        with flight.lock:
            flight.live -= 1
            flight.done = max(flight.done, end)
            last = flight.live == 0
        return self._query_ended(flight) if last else ()

    def _query_ended(self, flight: Flight) -> Branches:
        if flight.ended is None and flight.joins is not None and flight.joins.waiting:
            flight.ended = Ended(Outcome.FAILED, flight.joins.unfinished(self._steps))
        if flight.timed:
            self._records.timed_spans(flight.timed)
        if flight.started == NULL:
            self._records.cancelled(flight.query)
        else:
            self._completed(flight)
        self._count(flight)
        follower = self.finished(flight)
        return () if follower is None else (follower,)

    def _completed(self, flight: Flight) -> None:
        """Put the row of a query that was under way."""
        query, item, due, sent, received = flight.query
        ending, rows = DONE_LOAD, self._completions
        if flight.ended is not None or query < 0:
            ending = self._records.ending(query, flight.ended)
        row = next(rows.numbers)
        if row >= rows.limit:
            rows.wait(row)
        offset = (row & rows.mask) * rows.width
        started, done = flight.started, flight.done
        rows.pack(
            rows.table, offset, query, item, due, sent, received, started, done, ending, row + 1
        )

    def _count(self, flight: Flight) -> None:
        """Tell the driver and the supervisor that a query has ended, and which is the oldest."""
        cells, under_way = self._cells, self._under_way
        with self._counting:
            self._ended += 1
            cells[ENDED] = self._ended
            if flight.ended is not None:
                self._failed += 1
                cells[FAILED] = self._failed
            if under_way.pop(flight, None) != cells[OLDEST_STARTED_NS]:
                return
            for oldest, started in under_way.items():
                cells[OLDEST_QUERY] = oldest.number
                cells[OLDEST_STARTED_NS] = started
                return
            cells[OLDEST_STARTED_NS] = 0


def _nothing(flight: Flight) -> None:
    """What happens at a query's end until somebody asks for more."""
