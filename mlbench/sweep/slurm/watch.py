"""Follows the jobs of a sweep until each has ended, whoever ends it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

from mlbench.errors import EngineError
from mlbench.sweep.executor import Follow
from mlbench.sweep.layout import block_log
from mlbench.sweep.slurm.endings import has_arrived, left_of, note, refuse_a_folder_of_its_own, told
from mlbench.sweep.slurm.ledger import Entry
from mlbench.sweep.slurm.notes import tell
from mlbench.sweep.slurm.queue import Queue
from mlbench.sweep.slurm.rhythm import Rhythm
from mlbench.sweep.slurm.submission import log_of

__all__ = ["again", "say", "watch"]

TICK_S = 0.2
"""Between two looks at whoever may ask for the end."""

ASK_S = (1.0, 15.0)
"""Between two questions to Slurm: the shortest, soon after something changed, and the longest."""

GLANCE_S = 1.0
"""Between two looks at whether a running block has all its points."""

ARRIVAL_S = 30.0
"""Until what a node wrote is seen from here: shared file systems remember what was not there."""

CANCEL_S = 120.0
"""Until jobs that are cancelled have ended; a node that does not answer is given up by then."""

KILL_S = 15.0


def watch(queue: Queue, follow: Follow) -> None:
    """Follow the jobs of a queue until all have ended, or the end was asked for.

    Raises
    ------
    EngineError
        If Slurm's controller has not answered for long, or its nodes do not see the
        directory; in the latter case all jobs are cancelled.
    """
    watcher = _Watcher(queue)
    try:
        watcher.until_over(follow)
    except KeyboardInterrupt:  # nobody counts interrupts: this is the first
        watcher.until_over(lambda: 1)
        raise
    follow()
    if watcher.came_to_nothing:
        say(f"go on with: {again(queue.sweep)}")


def again(sweep: Path) -> str:
    """What to type to go on with a sweep, with the options of before."""
    return f"mlbench sweep --resume {sweep} --on slurm"


def say(line: str) -> None:
    """Tell whoever follows: progress, if any, is on standard error, too."""
    sys.stderr.write(f"{line}\n")


class _Watcher:
    """What is known while jobs are followed."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._rhythm = Rhythm(*ASK_S)
        self._glances = Rhythm(GLANCE_S, GLANCE_S)
        self._finished: set[Entry] = set()
        self._failed = False
        self._arriving: dict[str, tuple[Entry, float]] = {}
        self._asked = 0
        self._end_s: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing waits or runs, or it was waited long enough for the end."""
        if self._end_s is not None and time.monotonic() > self._end_s:
            return True
        return not (self._queue.jobs.going or self._queue.waiting or self._arriving)

    @property
    def came_to_nothing(self) -> bool:
        """Whether a job ended without its block, and nobody asked for that."""
        return self._failed and not self._asked

    def until_over(self, follow: Follow) -> None:
        """Follow until nothing is left to follow."""
        while not self.is_over:
            self._heed(follow())
            self._look()
            time.sleep(TICK_S)

    def _heed(self, asked: int) -> None:
        """Cancel all jobs if the end was asked for; at once, if it was asked for again."""
        if asked <= self._asked:
            return
        at_once = asked > 1
        self._asked = asked
        self._queue.waiting.clear()
        self._queue.jobs.cancel(at_once=at_once)
        self._end_s = time.monotonic() + (KILL_S if at_once else CANCEL_S)
        self._rhythm.hurry()

    def _look(self) -> None:
        """See how the jobs stand, when it is time to, or the directory says that one ends."""
        if self._glances.is_due():
            finished = set(filter(self._is_finished, self._queue.jobs.going.values()))
            self._glances.asked(news=True)
            if finished - self._finished:
                self._rhythm.hurry()
            self._finished |= finished
        if self._rhythm.is_due():
            changed = self._queue.jobs.look()
            self._rhythm.asked(news=bool(changed))
            self._note(changed)
        self._receive()

    def _is_finished(self, entry: Entry) -> bool:
        return not left_of(self._queue.sweep, self._queue.manifest, entry.block)

    def _note(self, changed: Iterable[Entry]) -> None:
        """Say who waits, and have those that ended received; another may take their place."""
        limit_s = time.monotonic() + ARRIVAL_S
        for entry in changed:
            tell(self._queue.sweep, entry)
            if entry.job.has_ended:
                self._arriving[entry.job.id] = (entry, limit_s)
                self._queue.fill()

    def _receive(self) -> None:
        """Close what has ended and whose files have come, or will not."""
        queue = self._queue
        for key, (entry, limit_s) in list(self._arriving.items()):
            if has_arrived(queue.sweep, queue.manifest, entry):
                self._close(entry)
            elif time.monotonic() > limit_s:
                self._refuse(entry)
                self._close(entry)
            else:
                continue
            del self._arriving[key]

    def _close(self, entry: Entry) -> None:
        """Say why a block came to nothing, here, in its log, and on its points."""
        if entry.job.state == "done":
            return
        self._failed = True
        queue = self._queue
        note(queue.sweep, queue.manifest, entry)
        line = told(entry)
        log = log_of(queue.sweep, entry.job.id)
        with block_log(queue.sweep, entry.block).open("a", encoding="utf-8") as file:
            file.write(f"{line}; what it printed: {log}\n")
        if not (self._asked and entry.job.state == "cancelled"):
            say(line)

    def _refuse(self, entry: Entry) -> None:
        try:
            refuse_a_folder_of_its_own(self._queue.sweep, self._queue.manifest, entry)
        except EngineError:
            self._queue.jobs.cancel()
            raise
