"""A worker without its process: a pipeline is opened, queries run, its rings are read back."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import Any

import pyarrow as pa
import pytest

from mlbench.analysis.queries import queries_of
from mlbench.analysis.record import Record, empty
from mlbench.check import Graph, resolve_pipeline
from mlbench.check.find import find_use
from mlbench.check.graph import nodes_of
from mlbench.engine.flight import Flight, Station
from mlbench.engine.opened import Opened, Surroundings, opened
from mlbench.engine.page import Page
from mlbench.engine.pipelined import Pipelined
from mlbench.engine.records import Query, Records
from mlbench.engine.ring import Ring
from mlbench.engine.rings import Rings
from mlbench.engine.rows import (
    COMPLETION_ROW,
    EVENT_ROW,
    EXTRA_ROW,
    LINK_ROW,
    SPAN_ROW,
    whole_completions,
    whole_spans,
)
from mlbench.engine.serial import Serial
from mlbench.engine.wire import Frame, Texts, frames_of, pipe
from mlbench.interfaces.stage import Context, DataSource, Payload, Route, Stage, stage
from mlbench.loads.closed import Closed
from mlbench.records import COMPLETIONS, NULL, SPANS, Outcome, Phase
from mlbench.spec import Benchmark

EXECUTIONS = ("serial", "pipelined")
in_both = pytest.mark.parametrize("execution", EXECUTIONS)
"""What both executors must do alike."""

PATIENCE_S = 20.0
"""Nothing waits for this long but a test that fails."""

NOOP = {"uses": "synthetic.noop"}


def wait_for(event: threading.Event) -> None:
    assert event.wait(PATIENCE_S), "nobody came"


@stage(outputs=["again", "done"])
def again_until(payload: dict[str, int]) -> Route:
    """Goes round ``payload['rounds']`` times, counting them down in a new payload."""
    left = payload["rounds"]
    return Route("again" if left > 0 else "done", {**payload, "rounds": left - 1})


def items_of(*items: Payload) -> type[DataSource]:
    """A data set of these items; an item that is an exception is raised."""

    class Given(DataSource):
        @contextmanager
        def open(self, context: Context) -> Iterator[Sequence[Payload]]:
            yield _Items(items)

    return Given


class _Items(tuple[Payload, ...]):
    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        item = super().__getitem__(index)
        if isinstance(item, BaseException):
            raise item
        return item


def bench_of(
    stages: Mapping[str, Any],
    execution: str = "serial",
    data: Any = None,
    seed: int = 7,
    **pipeline: Any,
) -> Benchmark:
    """A benchmark of one pipeline ``p``; a stage may be a function, or a mapping as in YAML."""
    spec = {
        "data": data if isinstance(data, dict) else {"uses": data or "synthetic.items"},
        "execution": execution,
        "stages": {name: _use(given) for name, given in stages.items()},
        **pipeline,
    }
    return Benchmark.model_validate({"name": "b", "seed": seed, "pipelines": {"p": spec}})


def _use(given: Any) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return NOOP | dict(given)
    return {"uses": given}


def unchecked(bench: Benchmark) -> Graph:
    """The graph of ``p`` though `check` would refuse it: what then happens is the engine's part."""
    spec = bench.pipelines["p"]
    made = {name: find_use(use, Stage, {}, ()).made for name, use in spec.stages.items()}
    data = find_use(spec.data, DataSource, {}, ()).made  # type: ignore[type-abstract]
    assert data is not None
    assert None not in made.values()
    nodes = nodes_of(spec.stages, made)  # type: ignore[arg-type]
    entry = list(spec.stages).index(spec.first)
    return Graph("p", spec, nodes, entry, data, {}, Closed())


@dataclass(frozen=True)
class Span:
    """A row of ``spans.arrow`` with names for its codes."""

    span: int
    query: int
    branch: int
    visit: int
    parents: tuple[int, ...]
    stage: str
    worker: int
    batch: int | None
    batch_size: int | None
    ready: int
    start: int
    end: int
    device_ns: int | None
    outcome: Outcome
    route: str | None


@dataclass(frozen=True)
class Completion:
    """A row of ``completions.arrow``."""

    query: int
    item: int
    due: int
    sent: int
    received: int
    started: int | None
    done: int | None
    phase: Phase
    outcome: Outcome
    error: str | None

    @property
    def said(self) -> str:
        """The error, without the place in a test that raised it."""
        return re.sub(r" \(\w+\.py:\d+\)$", "", self.error or "")


@dataclass(frozen=True)
class Event:
    """A row of ``events.arrow``."""

    span: int
    name: str
    t: int
    value: float


@dataclass
class Ran:
    """What a worker has recorded so far."""

    spans: list[Span] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)

    def of(self, query: int = 0, stage: str | None = None) -> list[Span]:
        """The spans of a query in the order of their starts, or those at one stage."""
        mine = [s for s in self.spans if s.query == query and stage in (None, s.stage)]
        return sorted(mine, key=lambda s: (s.start, s.span))

    def path(self, query: int = 0) -> list[str]:
        """The stages that a query visited, in the order of their starts."""
        return [span.stage for span in self.of(query)]

    def one(self, stage: str, query: int = 0) -> Span:
        """The only span of a query at a stage."""
        (span,) = self.of(query, stage)
        return span

    def ended(self, query: int = 0) -> Completion:
        """The only completion of a query."""
        (completion,) = [c for c in self.completions if c.query == query]
        return completion

    def said(self, query: int = 0) -> dict[str, Any]:
        """What the sinks gave of a query, by name; of several branches in a list."""
        found: dict[str, Any] = {}
        for row in self.outputs:
            if row["query"] == query:
                found.setdefault(row["sink"], []).append(row["output"])
        return {sink: each if len(each) > 1 else each[0] for sink, each in found.items()}

    @property
    def outcomes(self) -> list[Outcome]:
        """How each query ended, by its index."""
        return [c.outcome for c in sorted(self.completions, key=lambda c: c.query)]


@dataclass
class Rig:
    """An open pipeline with everything that a worker has around it.

    Parameters
    ----------
    broken
        What ended a thread of pipelined execution outside of any stage.
    """

    pipeline: Opened
    execution: str
    records: Records
    texts: Texts
    texts_fd: int
    timeout_ns: int
    page: Page = field(default_factory=Page)
    broken: list[BaseException] = field(default_factory=list)
    kept: Ran = field(default_factory=Ran)

    @property
    def serial(self) -> Serial:
        """A new serial executor."""
        at = self.pipeline
        return Serial(
            at.fetch, at.steps, at.entry, self.records, at.visit, self.page, self.timeout_ns
        )

    @property
    def pipelined(self) -> Pipelined:
        """A new pipelined executor, not started."""
        at = self.pipeline
        stations = []
        for node, step in zip(at.graph.nodes, at.steps, strict=True):
            batch = node.spec.batch
            size, wait_ns = (batch.size, round(batch.max_wait_ms * 1e6)) if batch else (0, 0)
            stations.append(Station(step, node.spec.workers, node.spec.queue, size, wait_ns))
        return Pipelined(
            at.fetch, stations, at.entry, at.inside_cycle, self.records, at.visit, self.page,
            self.timeout_ns, self.broken.append,
        )  # fmt: skip

    def run(self, queries: int | Sequence[Query]) -> Ran:
        """Run queries to their end, one after the other or all at once."""
        some = [query(number) for number in range(queries)] if isinstance(queries, int) else queries
        if self.execution == "serial":
            executor = self.serial
            for each in some:
                executor.run(each)
        else:
            with self.started() as (admit, wait):
                for each in some:
                    admit(each)
                wait(len(some))
        return self.read()

    @contextmanager
    def started(self) -> Iterator[tuple[Callable[[Query], None], Callable[[int], None]]]:
        """A pipelined executor with its threads: how to admit, and to wait until n have ended."""
        executor, ended = self.pipelined, threading.Semaphore(0)

        def finished(flight: Flight) -> None:
            ended.release()

        def wait(queries: int) -> None:
            for _ in range(queries):
                assert ended.acquire(timeout=PATIENCE_S), "a query does not end"

        executor.serve(finished)
        executor.start()
        try:
            yield executor.admit, wait
        finally:
            executor.stop()

    def read(self) -> Ran:
        """Everything recorded so far; on every query that is done, the identity is checked."""
        texts: dict[int, str] = {}
        for frame, number, text in self._frames():
            if frame is Frame.ERROR:
                texts[number] = text.decode()
            else:
                self.kept.outputs.append(json.loads(text))
        self.kept.spans += self._spans()
        rows = whole_completions(self.records.rings.completions.take()).tolist()
        for *stamps, phase, outcome, told in rows:
            error = texts.pop(stamps[0]) if told else None
            known = [None if stamp == NULL else stamp for stamp in stamps]
            self.kept.completions.append(
                Completion(*known, Phase(phase), Outcome(outcome), error)  # type: ignore[arg-type]
            )
        self._events()
        assert not texts, "an error of no completion"
        check_identity(self.kept)
        return self.kept

    def _frames(self) -> Iterator[tuple[Frame, int, bytes]]:
        data = bytearray()
        while True:
            try:
                data += os.read(self.texts_fd, 1 << 20)
            except BlockingIOError:
                break
        yield from frames_of(data)
        assert not data, "a torn frame"

    def _spans(self) -> Iterator[Span]:
        rings, at = self.records.rings, self.pipeline
        stages = [*(step.name for step in at.steps), "data"]
        links: dict[int, list[int]] = {}
        rows, extras = rings.spans.take(), rings.extras.take()
        for span, parent, _ in rings.links.take().tolist():
            links.setdefault(span, []).append(parent)
        for row in whole_spans(rows, extras).tolist():
            named = dict(zip(SPANS.names, row, strict=True))
            first, route = named["parents"], named["route"]
            parents = () if first == NULL else (first, *links.pop(named["span"], []))
            nulls = ("batch", "batch_size", "device_ns")
            whole = named | {key: None if named[key] == NULL else named[key] for key in nulls}
            whole |= {"parents": parents, "stage": stages[named["stage"]]}
            whole |= {"route": None if route == NULL else at.route_names[route]}
            yield Span(**whole | {"outcome": Outcome(named["outcome"])})
        assert not links, "a further parent of no span"

    def _events(self) -> None:
        rows = self.records.rings.events.take()
        names = self.records.event_names()
        values = rows[:, 3].copy().view("float64").tolist()
        for (span, name, t, _, _), value in zip(rows.tolist(), values, strict=True):
            self.kept.events.append(Event(span, names[name], t, value))


def query(number: int, item: int | None = None) -> Query:
    """A query that was due 300 ns ago, sent 100 ns late and received 50 ns after that."""
    now = monotonic_ns()
    return number, max(number, 0) if item is None else item, now - 300, now - 200, now - 150


def small_rings(slots: int) -> Rings:
    """Rings of a few kilobytes."""
    layouts = {"spans": SPAN_ROW, "completions": COMPLETION_ROW, "events": EVENT_ROW}
    layouts |= {"links": LINK_ROW, "extras": EXTRA_ROW}
    rings = Rings()
    for name, row in layouts.items():
        setattr(rings, name, Ring(row, slots))
    return rings


@contextmanager
def rig(
    stages: Mapping[str, Any] | Graph,
    execution: str = "serial",
    timeout_s: float = 3600,
    seed: int = 7,
    block: int = 0,
    **pipeline: Any,
) -> Iterator[Rig]:
    """Check and open a pipeline."""
    if isinstance(stages, Graph):
        graph = stages
    else:
        graph = resolve_pipeline(bench_of(stages, execution, seed=seed, **pipeline), "p")
    read_fd, write_fd = pipe()
    os.set_blocking(read_fd, False)
    try:
        with opened(graph, Surroundings("cpu", 1, seed, block)) as open_pipeline:
            texts = Texts(write_fd)
            records = Records(small_rings(1 << 12), texts, graph.spec.outputs == "all")
            yield Rig(open_pipeline, execution, records, texts, read_fd, round(timeout_s * 1e9))
    finally:
        os.close(read_fd)
        os.close(write_fd)


def run(
    stages: Mapping[str, Any] | Graph,
    queries: int | Sequence[Query] = 1,
    execution: str = "serial",
    **pipeline: Any,
) -> Ran:
    """Check and open a pipeline, run queries to their end, and read what was recorded."""
    with rig(stages, execution, **pipeline) as made:
        ran = made.run(queries)
        assert not made.broken
        return ran


def check_identity(ran: Ran) -> None:
    """Latency = lateness + queueing + service, to the nanosecond: walked here and by analysis."""
    walked = {c.query: _walk(ran, c) for c in ran.completions if c.outcome is Outcome.DONE}
    for number, (latency, lateness, queueing, service) in walked.items():
        assert latency == lateness + queueing + service, f"query {number}"
    found = queries_of(_record(ran), "p").to_arrow().to_pylist()
    for row in found:
        if row["query"] in walked:
            parts = ("latency_ns", "lateness_ns", "queueing_ns", "service_ns")
            assert tuple(row[part] for part in parts) == walked[row["query"]]


def _walk(ran: Ran, ended: Completion) -> tuple[int, int, int, int]:
    """Latency, lateness, queueing, service: from the last span back over first parents."""
    spans = {span.span: span for span in ran.of(ended.query)}
    for span in spans.values():
        assert span.ready <= span.start <= span.end
        ends = [spans[parent].end for parent in span.parents]
        assert span.ready == (max(ends) if ends else ended.sent)
        assert not ends or ends[0] == span.ready, "of a join the last to come is the first parent"
    followed = {parent for span in spans.values() for parent in span.parents}
    leaves = [span for span in spans.values() if span.span not in followed]
    here: Span | None = max(leaves, key=lambda span: (span.end, span.span))
    assert here is not None
    assert here.end == ended.done
    queueing = service = 0
    while here is not None:
        queueing += here.start - here.ready
        service += here.end - here.start
        first = here
        here = spans[here.parents[0]] if here.parents else None
    assert (first.stage, first.ready, first.start) == ("data", ended.sent, ended.started)
    assert ended.done is not None
    return ended.done - ended.due, ended.sent - ended.due, queueing, service


def _record(ran: Ran) -> Record:
    spans = [vars(span) | {"stage": 0, "route": None} for span in ran.spans]
    completions = [vars(completion) for completion in ran.completions]
    bench = bench_of({"a": {}})
    return Record(
        manifest={"status": "done", "pipelines": {"p": {"status": "done", "load": {}}}},
        bench=bench,
        spans={"p": pa.Table.from_pylist(spans, schema=empty(SPANS).schema)},
        completions={"p": pa.Table.from_pylist(completions, schema=empty(COMPLETIONS).schema)},
    )


class Clock:
    """A clock that a test turns on; each look takes a nanosecond."""

    def __init__(self) -> None:
        self.now = monotonic_ns()

    def __call__(self) -> int:
        self.now += 1
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


class Told(list[Any]):
    """A list that one can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Event()

    def append(self, item: Any) -> None:
        super().append(item)
        self.came.set()
