"""The tables of one pipeline as the recorder keeps them: rows that wait for their batch."""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD
from time import monotonic_ns as clock
from typing import TYPE_CHECKING

from mlbench.engine.ring import Ring
from mlbench.engine.rings import Rings
from mlbench.engine.rows import whole_completions, whole_spans
from mlbench.engine.wire import Frame, frames_of
from mlbench.records import COMPLETIONS, EVENTS, SPANS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlbench.store.writer import StreamWriter

__all__ = ["BATCH_NS", "BATCH_ROWS", "Feed", "Pending", "Tables", "is_full"]

BATCH_NS = 250_000_000
BATCH_ROWS = 1 << 16
"""A batch is written when it has this many rows, or its first row may be this old."""

FULL_SHARE = 8
"""A ring that is fuller than one part in so many is emptied at the next look."""

MUCH_TEXT_BYTES = 1 << 14


def is_full(ring: Ring) -> bool:
    """Whether the ring is to be emptied before the next batch is due."""
    return ring.holds(ring.slots // FULL_SHARE)


@dataclass(frozen=True)
class Feed:
    """What one worker sends: its rings, its texts, and the folder they go to."""

    folder: Path
    rings: Rings
    texts: int


@dataclass
class Pending:
    """Rows of one table that wait for their batch."""

    writer: StreamWriter
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    count: int = 0
    since_ns: int = 0

    def add(self, rows: NDArray[np.int64], since_ns: int) -> None:
        """Append rows, none of which is older than ``since_ns``."""
        if len(rows):
            self.since_ns = self.since_ns if self.count else since_ns
            self.rows.append(rows)
            self.count += len(rows)

    def due(self) -> bool:
        """Whether they are to be written."""
        return self.count >= BATCH_ROWS or (self.count > 0 and clock() - self.since_ns >= BATCH_NS)

    def take(self) -> NDArray[np.int64]:
        """All of them, as one array."""
        import numpy as np

        rows = np.concatenate(self.rows)
        self.rows, self.count = [], 0
        return rows


class Tables:
    """The four tables and the outputs of one pipeline."""

    def __init__(self, feed: Feed) -> None:
        from mlbench.store.writer import StreamWriter

        folder = feed.folder
        self._feed = feed
        self._spans = Pending(StreamWriter(folder / "spans.arrow", SPANS))
        self._completions = Pending(StreamWriter(folder / "completions.arrow", COMPLETIONS))
        self._events = Pending(StreamWriter(folder / "events.arrow", EVENTS))
        self._outputs = (folder / "outputs.jsonl").open("ab")
        self._texts = bytearray()
        self._errors: dict[int, str] = {}
        self._links: dict[int, list[int]] = {}
        self._extras: NDArray[np.int64] = feed.rings.extras.take()
        self.open = True
        self.error: OSError | None = None

    @property
    def are_pressed(self) -> bool:
        """Whether a worker may have to wait before the next batch is due."""
        waiting = array("i", [0])
        ioctl(self._feed.texts, FIONREAD, waiting)
        return waiting[0] >= MUCH_TEXT_BYTES or any(map(is_full, self._feed.rings))

    def drain(self, final: bool, since_ns: int) -> int:
        """Take all complete rows; returns how many. What a row needs is taken after it."""
        rings = self._feed.rings
        spans, completions = rings.spans.take(final), rings.completions.take(final)
        self._events.add(rings.events.take(final)[:, :-1], since_ns)
        for span, parent, _ in rings.links.take(final).tolist():
            self._links.setdefault(span, []).append(parent)
        self._read_texts()
        self._spans.add(whole_spans(spans, self._extras_of(spans, final)), since_ns)
        self._completions.add(whole_completions(completions), since_ns)
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
        """End the streams."""
        for pending in (self._events, self._spans, self._completions):
            pending.writer.close()
        self._outputs.close()
