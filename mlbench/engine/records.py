"""What a worker records, put into its rings and its frames of text."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from mlbench.engine.blame import place_of
from mlbench.engine.flow import Step
from mlbench.engine.outputs import as_json
from mlbench.engine.rings import Rings
from mlbench.engine.rows import code_of, ending_of
from mlbench.engine.wire import Frame, Texts
from mlbench.errors import PipelineError
from mlbench.interfaces.stage import Visit
from mlbench.records import NULL, Outcome, Phase

__all__ = [
    "CANCELLED",
    "DONE_LOAD",
    "NO_BATCH",
    "Ended",
    "Query",
    "Records",
    "TimedSpan",
    "failure",
    "timed_out",
    "waited_too_long",
]

Query = tuple[int, int, int, int, int]
"""query, item, due, sent, received: what is known of a query when it starts"""

TimedSpan = tuple[int, Callable[[], int], tuple[int, ...], tuple[int, int]]
"""A span whose device time is not known yet: its id, how to get the time, its row, its batch"""

NO_BATCH = (NULL, NULL)
"""The id and the size of the dynamic batch of a span that was in none"""

CANCELLED = "the run ended before it"
MAX_ERROR_BYTES = 8192
MAX_ERROR_CHARACTERS = 2000

MOST_TRACES = 20
"""Kinds of failures whose traceback is written; the others have their error and its place."""

DONE_LOAD = ending_of(Phase.LOAD, Outcome.DONE, told=False)


@dataclass(frozen=True)
class Ended:
    """What ended a query before its last branch did: the outcome and what it was."""

    outcome: Outcome
    error: str


def failure(error: BaseException) -> Ended:
    """What a raised exception makes of its query: what it says, and where it was raised.

    One that ends the pipeline goes on.
    """
    if isinstance(error, PipelineError):
        raise error
    name, place = type(error).__name__, place_of(error)
    try:
        text = str(error)[:MAX_ERROR_CHARACTERS]
    except Exception:  # an exception's own text may raise anything: its name must do
        text = "it raises when asked what it says"
    said = f"{name}: {text}" if text else name
    return Ended(Outcome.FAILED, f"{said} ({place})" if place else said)


def timed_out(step: Step) -> Ended:
    """What the time limit makes of a query that had just left a stage."""
    return Ended(Outcome.TIMED_OUT, f"over the time limit when it left the stage {step.name!r}")


def waited_too_long(step: Step) -> Ended:
    """What the time limit makes of a query that waited in front of a stage."""
    return Ended(Outcome.TIMED_OUT, f"over the time limit in front of the stage {step.name!r}")


class Records:
    """Writes the records of one worker into its rings.

    Parameters
    ----------
    outputs
        Whether what the sinks give is recorded.
    named
        Called with the name of each event that is new, in the order of their codes.
    """

    def __init__(
        self,
        rings: Rings,
        texts: Texts,
        outputs: bool,
        named: Callable[[str], None] | None = None,
    ) -> None:
        self.rings = rings
        self._texts = texts
        self._events: dict[str, int] = {}
        self._naming = threading.Lock()
        self._tell_name = named
        self._outputs = outputs
        self.keeps_outputs = outputs
        self._traced: set[tuple[str, str]] = set()

    def event_names(self) -> list[str]:
        """The names of all events so far, in the order of their codes."""
        return list(self._events)

    def beside(
        self, span: int, others: tuple[int, ...], events: list[tuple[str, int, float]]
    ) -> None:
        """Put what few spans have, before the span: further parents, and the stage's events."""
        for parent in others:
            self.rings.links.put(span, parent)
        for name, t, value in events:
            code = self._events.get(name)
            self.rings.events.put(span, self._named(name) if code is None else code, t, value)
        events.clear()

    def _named(self, name: str) -> int:
        """The code of an event that was not seen before, but may be by another thread now."""
        with self._naming:
            if name not in self._events:
                self._events[name] = len(self._events)
                if self._tell_name is not None:
                    self._tell_name(name)
            return self._events[name]

    def span(
        self, query: int, parent: int, place: int, code: int, ready: int, start: int, end: int
    ) -> int:
        """Put a span outside of a hot loop; returns its id."""
        return self.rings.spans.put(query, parent, place, code, ready, start, end)

    def failed(
        self,
        row: tuple[int, ...],
        others: tuple[int, ...],
        visit: Visit,
        batch: tuple[int, int] = NO_BATCH,
    ) -> None:
        """Put a span whose stage raised: query, parent, place, code, ready, start, end.

        It is called while the exception is handled, and writes the traceback of the first
        one of each kind to the standard error of the worker.
        """
        query, parent, place, code, *times = row
        self._trace(query)
        span = next(self.rings.spans.numbers)
        self.beside(span, others, visit.events)
        visit.timings.clear()
        if batch is not NO_BATCH:
            self.rings.extras.put(span, *batch, NULL)
        code += code_of(0, 0, Outcome.FAILED)
        self.rings.spans.fill(span, query, parent, place, code, *times)

    def _trace(self, query: int) -> None:
        error = sys.exc_info()[1]
        if error is None or isinstance(error, PipelineError):  # the worker itself tells of that
            return
        kind = type(error).__name__, place_of(error)
        if kind in self._traced or len(self._traced) >= MOST_TRACES:
            return
        self._traced.add(kind)
        trace = "".join(traceback.format_exception(error))
        which = f"query {query}" if query >= 0 else "a query of the warm-up"
        print(f"the first {kind[0]} here, at {which}:\n{trace}", end="", file=sys.stderr)

    def timed_spans(self, timed: list[TimedSpan]) -> None:
        """Put the spans of one query that ran on a device, now that their events have passed."""
        for span, device_ns, row, batch in timed:
            self.rings.extras.put(span, *batch, device_ns())
            self.rings.spans.fill(span, *row)
        timed.clear()

    def output(self, query: int, sink: str, branch: int, value: object) -> None:
        """Send what a sink gave, as far as JSON can say it."""
        if self._outputs and query >= 0:
            self._texts.put(Frame.OUTPUT, query, as_json(query, sink, branch, value))

    def completion(self, query: Query, started: int, done: int, ended: Ended | None) -> int:
        """Put the row of a query that has ended, and how; returns the row's number."""
        ending = self.ending(query[0], ended)
        return self.rings.completions.put(*query, started, done, ending)

    def ending(self, query: int, ended: Ended | None) -> int:
        """How a query ended as a field of its row; sends what there is to say of it."""
        phase = Phase.WARMUP if query < 0 else Phase.LOAD
        if ended is None:
            return ending_of(phase, Outcome.DONE, told=False)
        text = ended.error.encode(errors="replace")[:MAX_ERROR_BYTES]
        self._texts.put(Frame.ERROR, query, text)
        return ending_of(phase, ended.outcome, told=True)

    def cancelled(self, query: Query) -> None:
        """Put the row of a query that was dispatched and never started."""
        self.completion(query, NULL, NULL, Ended(Outcome.CANCELLED, CANCELLED))
