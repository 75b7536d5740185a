"""The driver: dispatches the queries of all open loads at their due times.

One thread in a process of its own, and nothing else in it: a timer beside Python code that
holds the interpreter lock wakes about 5 ms late. Due times are absolute from the barrier
on, so being late once moves nothing that follows.
"""

from __future__ import annotations

import gc
import heapq
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from time import monotonic_ns as clock

from mlbench.engine.bounds import Bounds
from mlbench.engine.clock import SPIN_NS, cpu_ns, precise, wait_until
from mlbench.engine.page import Page, Slot
from mlbench.engine.ring import Ring
from mlbench.engine.wire import MAIL, Lines, Mail, mail, tell
from mlbench.interfaces.load import OpenLoad
from mlbench.seed import item_order, stream
from mlbench.spec import Stop

__all__ = ["Lane", "drive"]

DEAF_TURNS = 256
"""Where every query is late there is no wait to hear the supervisor in: it is heard this often."""

RETRY_NS = 1_000_000
"""How long a full inbox may wait for another try, where nothing else is due."""

ENDED = int(Slot.ENDED)


@dataclass
class Lane:
    """An open load and the inbox that it goes to.

    Parameters
    ----------
    name, code
        The pipeline, and its code in ``dispatch``.
    load, stop
        When queries are due, and when no more are; a null stop goes on until told.
    seed, block
        What due times and the order of items derive from.
    shuffled, items_per_query
        How queries go through the data.
    backlog
        Queries that may wait before the load is ended.
    """

    name: str
    code: int
    load: OpenLoad
    stop: Stop | None
    seed: int
    block: int
    shuffled: bool
    items_per_query: int
    inbox: int
    page: Page
    backlog: int
    waiting: deque[bytes] = field(default_factory=deque)
    sent: int = 0
    ended: bool = False
    barrier_ns: int = 0
    last_due_ns: int = 0
    end_ns: int | None = None
    why: str = "stop"
    bounds: Bounds = field(default_factory=Bounds)

    def prepare(self, queries_per_pass: int) -> None:
        """Draw the first arrival: it shuffles the items, which takes a while for many."""
        os.set_blocking(self.inbox, False)
        names = (self.name, self.block)
        due = self.load.due(stream(self.seed, "arrivals", *names))
        items = item_order(
            queries_per_pass, self.shuffled, stream(self.seed, "items", *names, "load")
        )
        arrivals = zip(due, items, strict=False)
        self.arrivals: Iterator[tuple[int, int]] = chain([*islice(arrivals, 1)], arrivals)

    def begin(self, barrier_ns: int) -> None:
        """Fix the arrivals to the barrier."""
        self.barrier_ns = self.last_due_ns = barrier_ns
        self.bounds = Bounds.of(self.stop, barrier_ns)

    def next(self) -> tuple[int, int] | None:
        """The instant and the item of the next query; null where the load is over."""
        arrival = None if self.ended else next(self.arrivals, None)
        due_ns = None if arrival is None else self.barrier_ns + arrival[0]
        if arrival is None or due_ns is None or self.bounds.ends(due_ns, self.sent):
            self.end_ns = self.bounds.end_of_open(self.last_due_ns, due_ns, self.sent)
            self.why = "finite" if arrival is None else "stop"
            return None
        self.last_due_ns = due_ns
        return due_ns, arrival[1] * self.items_per_query

    def flush(self) -> None:
        """Hand over what a full inbox did not take before."""
        try:
            while self.waiting:
                os.write(self.inbox, self.waiting[0])
                self.waiting.popleft()
        except BlockingIOError:
            return
        except BrokenPipeError:  # its worker is gone: the queries are lost, and counted so
            self.waiting.clear()
            self.ended = True

    @property
    def overflows(self) -> bool:
        """Whether more queries wait than the limit allows."""
        return self.sent - self.page.cells[ENDED] > self.backlog


class _Driver:
    def __init__(
        self, lanes: list[Lane], ring: Ring, control: int, outbox: int, patient: bool
    ) -> None:
        self._lanes = {lane.name: lane for lane in lanes}
        self._ring = ring
        self._control = control
        self._outbox = outbox
        self._patient = patient
        self._lines = Lines()
        self._heap: list[tuple[int, int, int, Lane]] = []
        self._leave = False

    def run(self) -> None:
        """Dispatch until every load has ended and the supervisor says that it is over."""
        self._listen()
        turns = 0
        while not self._leave:
            if not self._heap:
                self._listen()
            elif self._wait():
                self._dispatch()
                turns += 1
                if turns % DEAF_TURNS == 0:
                    self._listen(wait=False)

    def _wait(self) -> bool:
        """Wait until just before the next due time; false if something else was to do first."""
        due_ns = self._heap[0][0]
        full = [lane.inbox for lane in self._lanes.values() if lane.waiting]
        if wait_until(due_ns, (self._control,), full, self._patient):
            self._flush()
            self._listen(wait=False)
            return False
        return True

    def _dispatch(self) -> None:
        due_ns, _, item, lane = self._heap[0]
        query, inbox, pack, write, full = lane.sent, lane.inbox, MAIL.pack, os.write, lane.waiting
        while (sent := clock()) < due_ns:  # the last thing before: what is above, costs no lateness
            pass
        if full:
            lane.waiting.append(MAIL.pack(query, item, due_ns, sent))
            lane.flush()
        else:
            try:
                write(inbox, pack(query, item, due_ns, sent))
            except BlockingIOError:
                lane.waiting.append(MAIL.pack(query, item, due_ns, sent))
            except BrokenPipeError:  # its worker is gone; the supervisor knows
                lane.ended = True
        self._ring.put(query, lane.code, item, due_ns, sent)
        lane.sent = query + 1
        if lane.overflows:
            self._end(lane, "backlog")
            return
        arrival = lane.next()
        if arrival is None:
            self._end(lane, lane.why)
        else:
            heapq.heapreplace(self._heap, (arrival[0], lane.code, arrival[1], lane))

    def _end(self, lane: Lane, why: str) -> None:
        """No further query of this load: tell its worker behind the last one."""
        lane.ended = True
        self._heap = [entry for entry in self._heap if entry[3] is not lane]
        heapq.heapify(self._heap)
        lane.waiting.append(mail(Mail.STOP))
        lane.flush()
        end_ns = clock() if lane.end_ns is None else lane.end_ns
        tell(self._outbox, "loaded", pipeline=lane.name, end_ns=end_ns, queries=lane.sent, why=why)

    def _flush(self) -> None:
        for lane in self._lanes.values():
            if lane.waiting:
                lane.flush()

    def _listen(self, wait: bool = True) -> None:
        """Take what the supervisor says; with ``wait``, until it says something."""
        full = [lane.inbox for lane in self._lanes.values() if lane.waiting]
        os.set_blocking(self._control, wait and not full)
        if wait and full:
            wait_until(clock() + SPIN_NS + RETRY_NS, (self._control,), full)
        self._flush()
        try:
            data = os.read(self._control, 65536)
        except BlockingIOError:
            return
        if not data:
            self._leave = True
        for message in self._lines.feed(data):
            self._obey(message)

    def _obey(self, message: dict[str, object]) -> None:
        kind = message["kind"]
        if kind == "prepare":
            self._prepare(message)
        elif kind == "start":
            self._start(message)
        elif kind == "end":
            lane = self._lanes.get(str(message["pipeline"]))
            if lane is not None and not lane.ended:
                self._end(lane, "told")
        elif kind == "leave":
            self._leave = True

    def _prepare(self, message: dict[str, object]) -> None:
        passes = message["queries_per_pass"]
        assert isinstance(passes, dict)
        for lane in self._lanes.values():
            lane.prepare(passes[lane.name])
        tell(self._outbox, "prepared")

    def _start(self, message: dict[str, object]) -> None:
        barrier_ns = message["barrier_ns"]
        assert isinstance(barrier_ns, int)
        for lane in self._lanes.values():
            lane.begin(barrier_ns)
            arrival = lane.next()
            if arrival is None:
                self._end(lane, lane.why)
            else:
                heapq.heappush(self._heap, (arrival[0], lane.code, arrival[1], lane))


def drive(lanes: list[Lane], ring: Ring, control: int, outbox: int, patient: bool) -> int:
    """Dispatch the open loads; returns the exit status of the process.

    Parameters
    ----------
    patient
        Whether its processors are those of no pipeline, so that it may spin on them.
    """
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection in the middle of a wait would be lateness
    tell(outbox, "ready", precision=precise(), cpus=sorted(os.sched_getaffinity(0)))
    begin_ns, begin_cpu_ns = clock(), cpu_ns()
    _Driver(lanes, ring, control, outbox, patient).run()
    used = {"cpu_ns": cpu_ns() - begin_cpu_ns, "wall_ns": clock() - begin_ns}
    tell(outbox, "closed", **used, stalled_ns=ring.stalled_ns)
    return 0
