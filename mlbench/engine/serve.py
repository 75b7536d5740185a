"""How a worker is driven: by an inbox (open loads) or by itself (closed loads)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from time import monotonic_ns as clock

from mlbench.engine.bounds import Bounds
from mlbench.engine.flight import Flight
from mlbench.engine.flow import Branch
from mlbench.engine.inbox import Inbox
from mlbench.engine.page import Command, Page, Slot
from mlbench.engine.pipelined import Pipelined
from mlbench.engine.records import Query, Records
from mlbench.engine.serial import Serial
from mlbench.engine.wire import CHUNK, MAIL, Mail

__all__ = ["ClosedLoop", "OpenLoop", "Watch", "serial_closed", "serial_open"]

# Looked up once: before Python 3.12 a member of an enumeration takes a tenth of a microsecond.
COMMAND, RECEIVED, CANCEL = int(Slot.COMMAND), int(Slot.RECEIVED), int(Command.CANCEL)


@dataclass
class Watch:
    """Notices when every query due in a study's window has ended.

    Parameters
    ----------
    begin_ns, end_ns
        The window, on the run's clock; both 0 in a plain run.
    passed
        Called once.
    """

    begin_ns: int
    end_ns: int
    passed: Callable[[], None]
    due: int = 0
    after: bool = False
    told: bool = False

    def __post_init__(self) -> None:
        self._ended = 0
        self._lock = threading.Lock()

    def sees(self, due_ns: int) -> None:
        """A query is about to start, or was admitted."""
        with self._lock:
            self.due += self.begin_ns <= due_ns < self.end_ns
            self.after = self.after or due_ns >= self.end_ns
        self._tell()

    def ended(self, due_ns: int) -> None:
        """A query has ended."""
        with self._lock:
            self._ended += self.begin_ns <= due_ns < self.end_ns
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            tell = self.after and self._ended == self.due and not self.told
            self.told = self.told or tell
        if tell:
            self.passed()


def serial_open(
    executor: Serial, records: Records, inbox: int, page: Page, watch: Watch | None
) -> None:
    """Take queries from the inbox, one at a time, until no further one will come."""
    cells = page.cells
    stopped = False
    while not stopped:
        data = os.read(inbox, CHUNK)
        received = clock()
        for number, item, due, sent in MAIL.iter_unpack(data):
            if number < 0:
                stopped = stopped or number == Mail.STOP
                continue
            cells[RECEIVED] += 1
            query = (number, item, due, sent, received)
            if cells[COMMAND] == CANCEL:
                records.cancelled(query)
                continue
            if watch is not None:
                watch.sees(due)
            executor.run(query)
            if watch is not None:
                watch.ended(due)


def serial_closed(
    executor: Serial,
    items: Iterator[int],
    bounds: Bounds,
    barrier_ns: int,
    page: Page,
    watch: Watch | None,
) -> tuple[int, int]:
    """Start a query whenever one has ended; returns where the load ended, and how many ran.

    A query is due when its slot gets free: the gap until it is sent is the harness's.
    """
    cells, run, ends = page.cells, executor.run, bounds.ends
    due = barrier_ns
    for number in count():
        if cells[COMMAND] or ends(due, number):
            return bounds.end_ns(due), number
        item = next(items)
        if watch is not None:
            watch.sees(due)
        sent = clock()
        done = run((number, item, due, sent, sent))
        if watch is not None:
            watch.ended(due)
        due = done
    raise AssertionError("count() does not end")


class ClosedLoop:
    """Keeps a number of queries in flight in a pipelined executor.

    Parameters
    ----------
    over
        Called when the load has ended and every query of it.
    """

    def __init__(
        self,
        items: Iterator[int],
        bounds: Bounds,
        page: Page,
        watch: Watch | None,
        over: Callable[[], None],
    ) -> None:
        self._items = items
        self._watch = watch
        self._bounds = bounds
        self._cells = page.cells
        self._over = over
        self._lock = threading.Lock()
        self._sent = 0
        self._slots = 0
        self.load_end_ns: int | None = None

    @property
    def sent(self) -> int:
        """Queries so far."""
        return self._sent

    def begin(self, executor: Pipelined, barrier_ns: int, concurrency: int) -> None:
        """Start the first queries; each that ends then starts the next."""
        self._executor = executor
        self._slots = concurrency
        for _ in range(concurrency):
            query = self._next(barrier_ns)
            if query is not None:
                executor.admit(query)

    def finished(self, flight: Flight) -> Branch | None:
        """A query has ended and its slot is free: the first branch of the one that takes it."""
        if self._watch is not None:
            self._watch.ended(flight.query[2])
        query = self._next(flight.done if flight.done > flight.query[2] else clock())
        return None if query is None else self._executor.branch_of(query)

    def _next(self, due: int) -> Query | None:
        """A query for a slot that is free, or close the slot; the last one ends it all."""
        with self._lock:
            ends = bool(self._cells[COMMAND]) or self._bounds.ends(due, self._sent)
            if ends:
                self._slots -= 1
                if self.load_end_ns is None:
                    self.load_end_ns = self._bounds.end_ns(due)
                over = self._slots == 0
            else:
                number, item = self._sent, next(self._items)
                self._sent += 1
        if not ends:
            return self._query(number, item, due)
        if over:
            self._over()
        return None

    def _query(self, number: int, item: int, due: int) -> Query:
        if self._watch is not None:
            self._watch.sees(due)
        sent = clock()
        return number, item, due, sent, sent


class OpenLoop:
    """Feeds a pipelined executor from the inbox.

    Parameters
    ----------
    over
        Called when no further query will come and every one has ended.
    """

    def __init__(self, page: Page, watch: Watch | None, over: Callable[[], None]) -> None:
        self._cells = page.cells
        self._watch = watch
        self._over = over
        self._lock = threading.Lock()
        self._admitted = 0
        self._ended = 0
        self._stopped = False

    def feed(self, executor: Pipelined, fd: int, wake_fd: int) -> None:
        """Put the inbox in front of the executor's entry stage, before its threads start."""
        self._branch_of = executor.branch_of
        executor.feed(Inbox(fd, wake_fd, self._admit, self._stop))

    def _admit(self, number: int, item: int, due: int, sent: int, received: int) -> Branch:
        self._admitted += 1  # one reader at a time: the inbox holds a lock
        self._cells[RECEIVED] = self._admitted
        if self._watch is not None:
            self._watch.sees(due)
        return self._branch_of((number, item, due, sent, received))

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            over = self._ended == self._admitted
        if over:
            self._over()

    def finished(self, flight: Flight) -> None:
        """A query has ended."""
        if self._watch is not None:
            self._watch.ended(flight.query[2])
        with self._lock:
            self._ended += 1
            over = self._stopped and self._ended == self._admitted
        if over:
            self._over()
