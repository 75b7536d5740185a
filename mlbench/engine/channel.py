"""What stands in front of a stage in pipelined execution: who waits, and what he waits for.

A stage has a *token* for each of its workers, and nobody calls it without one. Whoever puts
a branch looks for a token afterwards, and whoever gives one back looks for a branch
afterwards: so no branch waits while a token is free. This needs no lock, because each step
of it is one operation on a list or a deque.

No thread waits for room. What finds a queue full is *held*, with the token of the stage that
it comes from, and goes on when the queue is down to half of its bound: so a full queue costs
a change of threads for many branches, not for each.
"""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic_ns as clock

from mlbench.engine.flow import Branch
from mlbench.engine.pool import Pool, Run, Task

__all__ = ["Channel", "Gathering"]


class Channel:
    """The branches in front of a stage, and its tokens.

    Parameters
    ----------
    workers
        Tokens.
    bound
        Branches that may wait. It is looked at before one is put: with several producers
        there may be one more for each of them.

    Attributes
    ----------
    run
        What a thread does with a token, and with a branch or with null: with what waits.
    low
        The queue's length at which what is held goes on.
    """

    run: Run

    def __init__(self, workers: int, bound: int, pool: Pool) -> None:
        self.bound = bound
        self.low = bound // 2
        self.waiting: deque[Branch] = deque()
        self.tokens = list(reversed(range(workers)))
        self.held: deque[Task] = deque()
        self._pool = pool

    def put(self, here: Branch) -> None:
        """Let a branch wait until the stage takes it."""
        self.waiting.append(here)
        if self.tokens:
            self.rouse()

    def rouse(self) -> None:
        """Have a thread come for what waits, if a token is free."""
        try:
            token = self.tokens.pop()
        except IndexError:  # whoever has it looks for what waits before he gives it back
            return
        self._pool.do((self.run, token, None))

    def take(self) -> Branch | None:
        """The branch that waits for longest, taken with a token."""
        try:
            here = self.waiting.popleft()
        except IndexError:
            return None
        if self.held and len(self.waiting) <= self.low:
            self.let_go()
        return here

    def follow(self, here: Branch) -> Task | None:
        """What a thread does that goes on with its branch; null if that has to wait."""
        if self.waiting:
            return None
        try:
            return self.run, self.tokens.pop(), here
        except IndexError:
            return None

    def rest(self, token: int) -> Task | None:
        """Give a token back when nothing waits; what to do if something has come meanwhile."""
        if self.held:
            self.let_go()
        self.tokens.append(token)
        if not self._wants():
            return None
        try:
            return self.run, self.tokens.pop(), None
        except IndexError:
            return None

    def leave(self, token: int) -> None:
        """Give a token back because its thread goes on elsewhere."""
        if self.held:  # what it followed was never in the queue, so nobody took it from there
            self.let_go()
        self.tokens.append(token)
        if self._wants():
            self.rouse()

    def hold(self, task: Task) -> None:
        """Keep what puts a branch here until there is room."""
        self.held.append(task)
        if len(self.waiting) <= self.low:  # all were taken before it was seen
            self.let_go()

    def let_go(self) -> None:
        """Let what is held go on, as much as there is room for."""
        for _ in range(self.bound - len(self.waiting)):
            try:
                task = self.held.popleft()
            except IndexError:
                return
            self._pool.do(task)

    def stop(self) -> None:
        """Let nobody wait for more."""

    def _wants(self) -> bool:
        """Whether something waits that a token is good for."""
        return bool(self.waiting)


class Gathering(Channel):
    """The channel of a stage that takes dynamic batches; one thread at a time gathers one.

    Parameters
    ----------
    size, max_wait_ns
        Of a batch: it is gathered until it is full, or for so long.
    """

    def __init__(self, workers: int, bound: int, pool: Pool, size: int, max_wait_ns: int) -> None:
        super().__init__(workers, bound, pool)
        self._size = size
        self._max_wait_ns = max_wait_ns
        self._turn = threading.Lock()
        self._missing = 0
        self._enough = threading.Event()
        self._stopped = False

    def put(self, here: Branch) -> None:
        """Let a branch wait until it is gathered."""
        self.waiting.append(here)
        if self._turn.locked():
            if len(self.waiting) >= self._missing:
                self._enough.set()
        elif self.tokens:
            self.rouse()

    def follow(self, here: Branch) -> Task | None:
        """What a thread does that gathers others around its branch."""
        if self.waiting or self._turn.locked():
            return None
        try:
            token = self.tokens.pop()
        except IndexError:
            return None
        self.waiting.append(here)
        return self.run, token, None

    def gather(self) -> list[Branch]:
        """A batch of what waits and of what comes in time; nothing if another thread gathers."""
        items: list[Branch] = []
        if not self._turn.acquire(blocking=False):
            return items
        self._fill(items)
        if items:
            instant_ns = clock() + self._max_wait_ns
            while len(items) < self._size and self._comes(self._size - len(items), instant_ns):
                self._fill(items)
            self._fill(items)
        self._turn.release()
        if self.waiting:
            self.rouse()
        return items

    def stop(self) -> None:
        """Let nobody wait for more."""
        self._stopped = True
        self._enough.set()

    def _wants(self) -> bool:
        return bool(self.waiting) and not self._turn.locked()

    def _fill(self, items: list[Branch]) -> None:
        while len(items) < self._size and (here := self.take()) is not None:
            items.append(here)

    def _comes(self, missing: int, instant_ns: int) -> bool:
        """Wait until so many have come, or as many as may wait; false where time is up."""
        self._enough.clear()
        self._missing = min(missing, self.bound)
        if self._stopped:
            return False
        if len(self.waiting) >= self._missing:
            return True
        left_s = (instant_ns - clock()) / 1e9
        return left_s > 0 and self._enough.wait(left_s)
