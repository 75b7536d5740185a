"""The recorder: takes rows out of the rings and writes every table of the run directory.

It is a process of its own so that no stage and no dispatch ever waits for a disk, and so
that what a process recorded before it was killed is written all the same. When the
supervisor is gone it writes what is left and ends.
"""

from __future__ import annotations

import json
import os
import resource
import select
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic_ns as clock

from mlbench.engine.arena import Arena
from mlbench.engine.clock import cpu_ns
from mlbench.engine.process import confine, log_to
from mlbench.engine.recorder_tables import BATCH_NS, BATCH_ROWS, Feed, Pending, Tables, is_full
from mlbench.engine.rings import RunRings
from mlbench.engine.wire import tell
from mlbench.imports import gently, importing
from mlbench.records import DISPATCH, SAMPLES

__all__ = ["Assignment", "record"]

LOOK_NS = 25_000_000
"""Cadence of looking whether much has come: 40 times a second, a few microseconds each."""

ORPHAN_S = 2.0


@dataclass(frozen=True)
class Assignment:
    """What the supervisor tells the recorder, which runs before there is a spec.

    Parameters
    ----------
    run
        The run directory.
    folders
        The folder of each pipeline.
    texts
        Read ends of the pipelines' texts, as the supervisor has them.
    supervisor
        Its process id.
    cpus
        Processors to run on.
    """

    run: str
    folders: tuple[str, ...]
    texts: tuple[int, ...]
    supervisor: int
    cpus: tuple[int, ...]

    def to_line(self) -> bytes:
        """One line of JSON."""
        return json.dumps(vars(self)).encode() + b"\n"

    def opened(self) -> Iterator[int]:
        """The read ends of the texts, as descriptors of this process."""
        for fd in self.texts:
            yield os.open(f"/proc/{self.supervisor}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)


class _Recorder:
    def __init__(self, assignment: Assignment, rings: RunRings) -> None:
        from mlbench.store.writer import StreamWriter

        run, folders = Path(assignment.run), map(Path, assignment.folders)
        feeds = map(Feed, folders, rings.workers, assignment.opened())
        self._tables = [Tables(feed) for feed in feeds]
        self._ring = rings.dispatch
        self._dispatch = Pending(StreamWriter(run / "dispatch.arrow", DISPATCH))
        self._sampled = rings.samples
        self._samples = Pending(StreamWriter(run / "samples.arrow", SAMPLES))
        self._looked_ns = clock()
        self.error: OSError | None = None

    @property
    def is_pressed(self) -> bool:
        """Whether so much has come that it cannot wait for the next batch."""
        return any(map(is_full, (self._ring, self._sampled))) or any(
            tables.are_pressed for tables in self._tables
        )

    @property
    def next_ns(self) -> int:
        """When the rows that have come since the last turn are due."""
        return self._looked_ns + BATCH_NS

    def turn(self, final: bool = False) -> int:
        """Drain everything once and write what is due; returns the rows that came."""
        since_ns, self._looked_ns = self._looked_ns, clock()
        rows = self._ring.take(final)[:, :-1]
        self._dispatch.add(rows, since_ns)
        self._samples.add(self._sampled.take(final)[:, :-1], since_ns)
        came = len(rows) + sum(tables.drain(final, since_ns) for tables in self._tables)
        self.error = next((each.error for each in self._tables if each.error), self.error)
        if self.error is None:
            try:
                self._write(final)
            except OSError as error:  # the disk is full: the run ends, what is written stays
                self.error = error
        return came

    def _write(self, everything: bool) -> None:
        if self._dispatch.due() or (everything and self._dispatch.count):
            self._dispatch.writer.write(self._dispatch.take())
        if self._samples.due() or (everything and self._samples.count):
            self._samples.writer.write(self._samples.take())
        for tables in self._tables:
            tables.write(everything)

    @property
    def fed(self) -> bool:
        """Whether a worker still holds its end of the texts."""
        return any(tables.open for tables in self._tables)

    def close(self) -> None:
        try:
            self._dispatch.writer.close()
            self._samples.writer.close()
            for tables in self._tables:
                tables.close()
        except OSError as error:  # the disk is full: readers stop at the last whole batch
            self.error = error


def record(arena: Arena, control: int, outbox: int) -> int:
    """Write the tables until the supervisor says that all writers have ended, or is gone.

    It is there before the run is known: it imports what it needs, and waits.
    """
    assignment = _assignment(control)
    if assignment is None:
        return 0
    confine(assignment.cpus)
    log_to(Path(assignment.run) / "engine.log")
    recorder = _Recorder(assignment, RunRings(arena, len(assignment.folders)))
    tell(outbox, "ready")
    begin_ns, begin_cpu_ns = clock(), cpu_ns()
    told, over = False, False
    while not over:
        came = recorder.turn()
        if recorder.error is not None and not told:
            tell(outbox, "failed", reason=f"cannot write the run: {recorder.error.strerror}")
            told = True
        over = _rest(recorder, control, clock() if came >= BATCH_ROWS // 4 else recorder.next_ns)
    finish(recorder, orphaned=not os.read(control, 1))
    used = {"cpu_ns": cpu_ns() - begin_cpu_ns, "wall_ns": clock() - begin_ns}
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with suppress(BrokenPipeError):  # without a supervisor there is nobody to tell
        if recorder.error is not None:
            tell(outbox, "failed", reason=f"cannot write the run: {recorder.error.strerror}")
        tell(outbox, "closed", **used, setup_cpu_ns=begin_cpu_ns, peak_memory_bytes=peak_bytes)
    return 0


def _rest(recorder: _Recorder, control: int, until_ns: int) -> bool:
    """Wait until a batch is due, or much has come; true when told that it is over.

    It turns as seldom as it may: whoever wakes up beside a turn, a worker for its next query,
    may be kept waiting by the kernel for the half of a millisecond that the turn takes.
    """
    while True:
        wait_ns = min(LOOK_NS, max(0, until_ns - clock()))
        if select.select([control], [], [], wait_ns / 1e9)[0]:
            return True
        if clock() >= until_ns or recorder.is_pressed:
            return False


def _assignment(control: int) -> Assignment | None:
    """Import what writes tables, then wait; null if there is no run to record.

    Gently, while there is time: the first query waits for who is imported beside this process.
    """
    with importing():
        gently(lambda: import_module("mlbench.store.writer"))

    line = b""
    while not line.endswith(b"\n"):  # byte by byte: what stands behind the line is another word
        byte = os.read(control, 1)
        if not byte:
            return None
        line += byte
    told = json.loads(line)
    lists = {key: tuple(told[key]) for key in ("folders", "texts", "cpus")}
    return Assignment(run=told["run"], supervisor=told["supervisor"], **lists)


def finish(recorder: _Recorder, orphaned: bool) -> None:
    """Write what is left. Without a supervisor the workers may still be ending: wait for them."""
    end_ns = clock() + round(ORPHAN_S * 1e9)
    while orphaned and recorder.fed and clock() < end_ns:
        recorder.turn()
        select.select([], [], [], LOOK_NS / 1e9)
    while recorder.turn():
        pass
    recorder.turn(final=True)
    recorder.close()
