"""What a worker records, put into its rings and its frames of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlbench.engine.flow import Step
from mlbench.engine.outputs import as_json
from mlbench.engine.rings import Rings
from mlbench.engine.wire import Frame, Texts
from mlbench.records import NULL, Outcome, Phase

__all__ = ["Ended", "Query", "Records", "TimedSpan", "failure", "timed_out"]

Query = tuple[int, int, int, int, int]
"""query, item, due, sent, received: what is known of a query when it starts"""

TimedSpan = tuple[tuple[int, ...], Callable[[], int], int]
"""A span whose device time is not known yet: its row up to ``end``, how to get it, its route"""


@dataclass(frozen=True)
class Ended:
    """What ended a query before its last branch did: the outcome and what it was."""

    outcome: Outcome
    error: str


def failure(error: BaseException) -> Ended:
    """What a raised exception makes of its query."""
    text = str(error)
    name = type(error).__name__
    return Ended(Outcome.FAILED, f"{name}: {text}" if text else name)


def timed_out(step: Step) -> Ended:
    """What the time limit makes of a query that had just left a stage."""
    return Ended(Outcome.TIMED_OUT, f"over the time limit when it left the stage {step.name!r}")


class Records:
    """Writes the records of one worker into its rings."""

    def __init__(self, rings: Rings, texts: Texts, outputs: bool) -> None:
        self.rings = rings
        self._texts = texts
        self._events: dict[str, int] = {}
        self._outputs = outputs

    def event_names(self) -> list[str]:
        """The names of all events so far, in the order of their codes."""
        return list(self._events)

    def events(self, span: int, events: list[tuple[str, int, float]]) -> None:
        """Put the events of a span, and empty the list that the stage wrote them to."""
        for name, t, value in events:
            code = self._events.setdefault(name, len(self._events))
            self.rings.events.put(span, code, t, value)
        events.clear()

    def links(self, span: int, parents: tuple[int, ...]) -> None:
        """Put the further parents of a join's span; before the span itself."""
        for parent in parents:
            self.rings.links.put(span, parent)

    def data_span(self, query: int, data: int, ready: int, start: int, end: int) -> int:
        """Put the span that fetched the items; returns its id."""
        return self._span(query, 0, 1, NULL, data, ready, start, end, Outcome.DONE)

    def failed_span(
        self,
        query: int,
        branch: int,
        visit: int,
        parent: int,
        stage: int,
        ready: int,
        start: int,
        end: int,
        others: tuple[int, ...] = (),
    ) -> int:
        """Put a span whose stage raised; returns its id."""
        outcome = Outcome.FAILED
        return self._span(query, branch, visit, parent, stage, ready, start, end, outcome, others)

    def _span(
        self,
        query: int,
        branch: int,
        visit: int,
        parent: int,
        stage: int,
        ready: int,
        start: int,
        end: int,
        outcome: Outcome,
        others: tuple[int, ...] = (),
    ) -> int:
        spans = self.rings.spans
        span = next(spans.numbers)
        self.links(span, others)
        place = (span, query, branch, visit, parent, stage, 0, NULL, NULL)
        spans.fill(span, *place, ready, start, end, NULL, outcome, NULL)
        return span

    def timed_spans(self, timed: list[TimedSpan]) -> None:
        """Put the spans of one query that ran on a device, now that their events have passed."""
        for row, device_ns, route in timed:
            self.rings.spans.fill(row[0], *row, device_ns(), Outcome.DONE, route)
        timed.clear()

    def output(self, query: int, sink: str, branch: int, value: object) -> None:
        """Send what a sink gave, as far as JSON can say it."""
        if self._outputs and query >= 0:
            self._texts.put(Frame.OUTPUT, query, as_json(query, sink, branch, value))

    def completion(
        self, query: Query, started: int, done: int, ended: Ended | None
    ) -> None:
        """Put the row of a query that has ended, and how."""
        phase = Phase.WARMUP if query[0] < 0 else Phase.LOAD
        outcome = Outcome.DONE if ended is None else ended.outcome
        if ended is not None:
            self._texts.put(Frame.ERROR, query[0], ended.error.encode(errors="replace")[:8192])
        self.rings.completions.put(*query, started, done, phase, outcome, ended is not None)

    def cancelled(self, query: Query) -> None:
        """Put the row of a query that was dispatched and never started."""
        self.completion(query, NULL, NULL, Ended(Outcome.CANCELLED, "the run ended before it"))
