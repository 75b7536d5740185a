"""The threads of pipelined execution, which no stage owns: each takes the next task."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from mlbench.interfaces.stage import Visit

__all__ = ["Events", "Pool", "Run", "Task", "Timings"]

Events = list[tuple[str, int, float]]
Timings = list[Callable[[], int]]
"""What a stage says while it runs, in lists of the thread that runs it; see `Visit`."""

Run = Callable[[int, Any, Events, Timings], "Task | None"]
"""Does some work with a token of a stage, and returns what the thread does next."""

Task = tuple[Run, int, Any]
"""A run, its token, and what it is done to"""


class Pool:
    """Threads that do whatever task is ready, and sleep while none is.

    The last to fall asleep is the first to be woken, and one at a time: who is on his way
    waits for the interpreter lock, and once he has it he wakes the next, if there is a task
    for that one too. So who makes many tasks ready wakes one thread and not many, and he
    may come to do them himself before anybody is awake.

    Parameters
    ----------
    broken
        Called with what a task raised; its thread ends.
    """

    def __init__(self, visit: Visit, broken: Callable[[BaseException], None]) -> None:
        self._visit = visit
        self._broken = broken
        self._ready: deque[Task] = deque()
        self._asleep: list[threading.Lock] = []
        self._on_its_way = False
        self._threads: list[threading.Thread] = []
        self.ending = False

    def start(self, threads: int) -> None:
        """Start so many threads."""
        for number in range(threads):
            thread = threading.Thread(target=self._guarded, name=f"worker-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def end(self) -> None:
        """Let the threads end once no task is ready."""
        self.ending = True
        while self._asleep:
            self._wake()

    def join(self) -> None:
        """Wait until all threads have ended."""
        for thread in self._threads:
            thread.join()

    def do(self, task: Task) -> None:
        """Have a task done by a thread that is free."""
        self._ready.append(task)
        if not self._on_its_way:
            self._wake()

    def _wake(self) -> None:
        try:
            sleeper = self._asleep.pop()
        except IndexError:  # all are busy, or about to look for a task once more
            return
        self._on_its_way = True  # never without a sleeper: only one that wakes takes it back
        sleeper.release()

    def _guarded(self) -> None:
        try:
            self._work()
        except BaseException as error:  # a thread must not end silently: the worker reports it
            self._broken(error)

    def _work(self) -> None:
        events, timings = self._visit.events, self._visit.timings
        mine, task = threading.Lock(), None
        mine.acquire()
        while (task := task or self._next(mine)) is not None:
            run, token, what = task
            task = run(token, what, events, timings)

    def _next(self, mine: threading.Lock) -> Task | None:
        """The task that is ready for longest; sleeps until there is one. Null at the end."""
        while True:
            try:
                task = self._ready.popleft()
            except IndexError:
                if self.ending:
                    return None
                self._sleep(mine)
                continue
            if self._ready and not self._on_its_way:
                self._wake()
            return task

    def _sleep(self, mine: threading.Lock) -> None:
        """Sleep until woken, unless something came before one could be woken."""
        self._asleep.append(mine)
        if self._ready or self.ending:
            try:
                self._asleep.remove(mine)
            except ValueError:  # somebody is about to wake it
                pass
            else:
                return
        mine.acquire()
        self._on_its_way = False  # before it looks: who sees it unset wakes another one
