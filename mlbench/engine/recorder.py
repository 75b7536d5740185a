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
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns as clock
from typing import TYPE_CHECKING

from mlbench.engine.arena import Arena
from mlbench.engine.imports import importing
from mlbench.engine.process import log_to
from mlbench.engine.rings import Rings, RunRings
from mlbench.engine.rows import whole_completions, whole_spans
from mlbench.engine.wire import Frame, frames_of, tell
from mlbench.records import COMPLETIONS, DISPATCH, EVENTS, SAMPLES, SPANS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlbench.store.writer import StreamWriter

__all__ = ["Assignment", "record"]

DRAIN_NS = 25_000_000
"""Cadence of looking at the rings: 40 times a second."""

BATCH_NS = 250_000_000
BATCH_ROWS = 1 << 16
"""A batch is written when it has this many rows, or its first row is this old."""

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
    """

    run: str
    folders: tuple[str, ...]
    texts: tuple[int, ...]
    supervisor: int

    def to_line(self) -> bytes:
        """One line of JSON."""
        return json.dumps(vars(self)).encode() + b"\n"

    def opened(self) -> Iterator[int]:
        """The read ends of the texts, as descriptors of this process."""
        for fd in self.texts:
            yield os.open(f"/proc/{self.supervisor}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)


@dataclass(frozen=True)
class _Feed:
    """What one worker sends: its rings, its texts, and the folder they go to."""

    folder: Path
    rings: Rings
    texts: int


@dataclass
class _Pending:
    """Rows of one table that wait for their batch."""

    writer: StreamWriter
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    count: int = 0
    since_ns: int = 0

    def add(self, rows: NDArray[np.int64]) -> None:
        if len(rows):
            self.since_ns = self.since_ns if self.count else clock()
            self.rows.append(rows)
            self.count += len(rows)

    def due(self) -> bool:
        return self.count >= BATCH_ROWS or (self.count > 0 and clock() - self.since_ns >= BATCH_NS)

    def take(self) -> NDArray[np.int64]:
        import numpy as np

        rows = np.concatenate(self.rows)
        self.rows, self.count = [], 0
        return rows


class _Tables:
    """The four tables and the outputs of one pipeline."""

    def __init__(self, feed: _Feed) -> None:
        from mlbench.store.writer import StreamWriter

        folder = feed.folder
        self._feed = feed
        self._spans = _Pending(StreamWriter(folder / "spans.arrow", SPANS))
        self._completions = _Pending(StreamWriter(folder / "completions.arrow", COMPLETIONS))
        self._events = _Pending(StreamWriter(folder / "events.arrow", EVENTS))
        self._outputs = (folder / "outputs.jsonl").open("ab")
        self._texts = bytearray()
        self._errors: dict[int, str] = {}
        self._links: dict[int, list[int]] = {}
        self._extras: NDArray[np.int64] = feed.rings.extras.take()
        self.open = True
        self.error: OSError | None = None

    def drain(self, final: bool) -> int:
        """Take all complete rows; returns how many. What a row needs is taken after it."""
        rings = self._feed.rings
        spans, completions = rings.spans.take(final), rings.completions.take(final)
        self._events.add(rings.events.take(final)[:, :-1])
        for span, parent, _ in rings.links.take(final).tolist():
            self._links.setdefault(span, []).append(parent)
        self._read_texts()
        self._spans.add(whole_spans(spans, self._extras_of(spans, final)))
        self._completions.add(whole_completions(completions))
        return len(spans) + len(completions)

    def _extras_of(self, spans: NDArray[np.int64], final: bool) -> NDArray[np.int64]:
        """The rows beside these spans; those of spans that are not there yet are kept."""
        import numpy as np

        came = self._feed.rings.extras.take(final)
        if not len(came) and not len(self._extras):
            return came
        extras = np.concatenate((self._extras, came)) if len(self._extras) else came
        here = np.isin(extras[:, 0], spans[:, -1] - 1)
        self._extras = extras[~here]
        return extras[here]

    def _read_texts(self) -> None:
        while self.open:
            try:
                data = os.read(self._feed.texts, 1 << 20)
            except BlockingIOError:
                break
            self.open = bool(data)
            self._texts += data
        for frame, query, text in frames_of(self._texts):
            if frame is Frame.ERROR:
                self._errors[query] = text.decode(errors="replace")
            else:
                self._write_output(text)

    def _write_output(self, text: bytes) -> None:
        try:
            self._outputs.write(text)
        except OSError as error:  # the disk is full: rows are taken all the same
            self.error = error

    def write(self, everything: bool) -> None:
        """Write the batches that are due, events before the spans that they belong to."""
        self._outputs.flush()
        if self._events.due() or (everything and self._events.count):
            self._events.writer.write(self._events.take())
        if self._spans.due() or (everything and self._spans.count):
            self._spans.writer.write(self._spans.take(), links=self._links)
        if self._completions.due() or (everything and self._completions.count):
            self._completions.writer.write(self._completions.take(), texts=self._errors)

    def close(self) -> None:
        for pending in (self._events, self._spans, self._completions):
            pending.writer.close()
        self._outputs.close()


class _Recorder:
    def __init__(self, assignment: Assignment, rings: RunRings) -> None:
        from mlbench.store.writer import StreamWriter

        run, folders = Path(assignment.run), map(Path, assignment.folders)
        feeds = map(_Feed, folders, rings.workers, assignment.opened())
        self._tables = [_Tables(feed) for feed in feeds]
        self._ring = rings.dispatch
        self._dispatch = _Pending(StreamWriter(run / "dispatch.arrow", DISPATCH))
        self._sampled = rings.samples
        self._samples = _Pending(StreamWriter(run / "samples.arrow", SAMPLES))
        self.error: OSError | None = None

    def turn(self, final: bool = False) -> int:
        """Drain everything once and write what is due; returns the rows that came."""
        rows = self._ring.take(final)[:, :-1]
        self._dispatch.add(rows)
        self._samples.add(self._sampled.take(final)[:, :-1])
        came = len(rows) + sum(tables.drain(final) for tables in self._tables)
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
    log_to(Path(assignment.run) / "engine.log")
    recorder = _Recorder(assignment, RunRings(arena, len(assignment.folders)))
    tell(outbox, "ready")
    told, over, instant_ns = False, False, clock()
    while not over:
        came = recorder.turn()
        if recorder.error is not None and not told:
            tell(outbox, "failed", reason=f"cannot write the run: {recorder.error.strerror}")
            told = True
        instant_ns = max(instant_ns + DRAIN_NS, clock()) if came < BATCH_ROWS // 4 else clock()
        wait_s = max(0.0, (instant_ns - clock()) / 1e9)
        over = bool(select.select([control], [], [], wait_s)[0])
    finish(recorder, orphaned=not os.read(control, 1))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu_ns = round((usage.ru_utime + usage.ru_stime) * 1e9)
    with suppress(BrokenPipeError):  # without a supervisor there is nobody to tell
        if recorder.error is not None:
            tell(outbox, "failed", reason=f"cannot write the run: {recorder.error.strerror}")
        tell(outbox, "closed", cpu_ns=cpu_ns, peak_memory_bytes=usage.ru_maxrss * 1024)
    return 0


def _assignment(control: int) -> Assignment | None:
    """Import what writes tables, then wait; null if there is no run to record."""
    with importing():
        import mlbench.store.writer  # noqa: F401  (while there is time)

    line = b""
    while not line.endswith(b"\n"):  # byte by byte: what stands behind the line is another word
        byte = os.read(control, 1)
        if not byte:
            return None
        line += byte
    told = json.loads(line)
    return Assignment(told["run"], tuple(told["folders"]), tuple(told["texts"]), told["supervisor"])


def finish(recorder: _Recorder, orphaned: bool) -> None:
    """Write what is left. Without a supervisor the workers may still be ending: wait for them."""
    end_ns = clock() + round(ORPHAN_S * 1e9)
    while orphaned and recorder.fed and clock() < end_ns:
        recorder.turn()
        select.select([], [], [], DRAIN_NS / 1e9)
    while recorder.turn():
        pass
    recorder.turn(final=True)
    recorder.close()
