"""What stands in front of a stage in pipelined execution: its queue.

A hop costs what `queue.SimpleQueue` costs. The bound is looked at before an item is put:
with several producers a queue may exceed it by one item for each of them. An edge inside
a cycle never waits, so a full loop cannot stop itself.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic_ns as clock
from typing import Generic, TypeVar

from mlbench.engine.wire import CHUNK, MAIL, Mail, mail

__all__ = ["Channel", "Inbox"]

Item = TypeVar("Item")


class Channel(Generic[Item]):
    """A queue between threads; ``None`` ends one of its readers.

    ``get`` and ``append`` are those of the queue itself: a thread that hands an item on must
    reach its next ``get`` before the other one wakes, or that one finds the interpreter lock
    taken and has to be woken twice. So who gets an item from a bounded channel looks at
    ``waiting`` himself.

    Parameters
    ----------
    bound
        Items that ``put`` lets wait.

    Attributes
    ----------
    get
        Wait for the next item and take it.
    append
        Append an item whether there is room or not.
    size
        Items that wait.
    waiting
        Threads that wait for room.
    """

    def __init__(self, bound: int) -> None:
        self._items: SimpleQueue[Item | None] = SimpleQueue()
        self.bound = bound
        self._space = threading.Condition()
        self.waiting = 0
        self.get: Callable[[], Item | None] = self._items.get
        self.append: Callable[[Item | None], None] = self._items.put
        self.size: Callable[[], int] = self._items.qsize

    def put(self, item: Item | None, wait: bool = False) -> None:
        """Append an item; with ``wait``, once there is room."""
        if wait and self.size() >= self.bound:
            self.wait_for_room()
        self.append(item)

    def wait_for_room(self) -> None:
        """Return when there is room for an item."""
        with self._space:
            self.waiting += 1
            while self.size() >= self.bound:
                self._space.wait()
            self.waiting -= 1

    def got(self) -> None:
        """Say that an item was taken, where ``waiting`` shows that somebody wants room."""
        with self._space:
            self._space.notify()

    def get_before(self, instant_ns: int) -> tuple[Item | None, bool]:
        """The next item and true, or nothing and false where none comes before the instant."""
        timeout_s = max(0.0, (instant_ns - clock()) / 1e9)
        try:
            item = self._items.get(timeout=timeout_s)
        except Empty:
            return None, False
        if self.waiting:
            self.got()
        return item, True


class Inbox(Channel[Item]):
    """The channel of the entry stage under an open load: an idle worker reads the pipe itself.

    A thread that did nothing but read the pipe would get the interpreter lock up to 5 ms
    late whenever the stages compute in Python. What other stages put (a loop that leads
    back to the entry) wakes a reader through the same pipe.

    Parameters
    ----------
    fd, wake_fd
        Read and write end of the worker's inbox.
    admit
        Makes an item of a query that has come: query, item, due, sent, received.
    stopped
        Called when no further query will come.
    """

    def __init__(
        self,
        fd: int,
        wake_fd: int,
        admit: Callable[[int, int, int, int, int], Item],
        stopped: Callable[[], None],
    ) -> None:
        super().__init__(bound=1 << 62)
        self._fd = fd
        self._wake_fd = wake_fd
        self._admit = admit
        self._stopped = stopped
        self._ready: deque[Item | None] = deque()
        self._reading = threading.Lock()
        self._asleep = False
        self.get = self._get
        self.append = self._append
        self.size = self._ready.__len__

    def _append(self, item: Item | None) -> None:
        """Append an item, and wake a reader that sleeps in the pipe."""
        self._ready.append(item)
        if self._asleep:
            os.write(self._wake_fd, mail(Mail.WAKE))

    def _get(self) -> Item | None:
        """The next item; reads the pipe where there is none."""
        while True:
            try:
                return self._ready.popleft()
            except IndexError:
                with self._reading:
                    self._read(_waits)

    def get_before(self, instant_ns: int) -> tuple[Item | None, bool]:
        """The next item and true, or nothing and false where none comes before the instant."""
        from select import select

        def comes() -> bool:
            return bool(select([self._fd], [], [], max(0.0, (instant_ns - clock()) / 1e9))[0])

        while True:
            try:
                return self._ready.popleft(), True
            except IndexError:
                if not self._reading.acquire(timeout=max(0.0, (instant_ns - clock()) / 1e9)):
                    return None, False
            try:  # with the lock, so that what has come is not read by another reader meanwhile
                if not self._read(comes):
                    return None, False
            finally:
                self._reading.release()

    def _read(self, comes: Callable[[], bool]) -> bool:
        """Read the pipe, unless something is there; false where nothing comes."""
        self._asleep = True  # before the look at the queue: who puts after it, wakes us
        try:
            if not self._ready:
                if not comes():
                    return False
                self._sort(os.read(self._fd, CHUNK))
            return True
        finally:
            self._asleep = False

    def _sort(self, data: bytes) -> None:
        received = clock()
        for query, item, due, sent in MAIL.iter_unpack(data):
            if query >= 0:
                self._ready.append(self._admit(query, item, due, sent, received))
            elif query == Mail.STOP:
                self._stopped()


def _waits() -> bool:
    """Something comes if one waits for it, however long."""
    return True
