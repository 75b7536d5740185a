"""A worker: one pipeline in one process, from opening its stages to closing them."""

from __future__ import annotations

import os
import resource
import traceback
from collections.abc import Iterator
from functools import partial
from itertools import chain, count
from time import monotonic_ns as clock
from typing import cast

from mlbench.check import resolve_pipeline
from mlbench.check.graph import Graph
from mlbench.engine.blame import place_of
from mlbench.engine.bounds import Bounds
from mlbench.engine.clock import wait_until
from mlbench.engine.desk import Desk
from mlbench.engine.flight import Flight, Station
from mlbench.engine.opened import Opened, Surroundings, opened, seed_everything
from mlbench.engine.pipelined import Pipelined
from mlbench.engine.records import Records
from mlbench.engine.serial import Serial
from mlbench.engine.serve import ClosedLoop, OpenLoop, Watch, serial_closed, serial_open
from mlbench.engine.wire import MAIL, Mail, Texts, mail, tell
from mlbench.errors import MlbenchError
from mlbench.interfaces.load import ClosedLoad
from mlbench.seed import item_order, stream
from mlbench.spec import Request, Stop

__all__ = ["work"]


def work(request: Request, name: str, desk: Desk, around: Surroundings, stop: Stop | None) -> int:
    """Run the pipeline ``name`` of a request; returns the exit status of its process."""
    try:
        graph = resolve_pipeline(request.bench, name)
        with opened(graph, around) as pipeline:
            _Worker(request, graph, pipeline, desk, around, stop).run()
    except Exception as error:  # whatever a pipeline's code raises ends this pipeline, and is told
        traceback.print_exc()
        tell(desk.outbox[1], "failed", reason=_reason(error))
        return 1
    usage = resource.getrusage(resource.RUSAGE_SELF)
    peak_bytes = usage.ru_maxrss * 1024
    cpu_ns = round((usage.ru_utime + usage.ru_stime) * 1e9)
    tell(desk.outbox[1], "closed", cpu_ns=cpu_ns, peak_memory_bytes=peak_bytes)
    return 0


def _reason(error: Exception) -> str:
    """What ended the pipeline, and where; a mistake of the user has no place in the code."""
    text = f"{type(error).__name__}: {str(error).strip() or 'no message'}"[:2000]
    place = "" if isinstance(error, MlbenchError) else place_of(error)
    return f"{text} ({place})" if place else text


class _Worker:
    """The life of an open pipeline: ready, warm, load, done."""

    def __init__(
        self,
        request: Request,
        graph: Graph,
        pipeline: Opened,
        desk: Desk,
        around: Surroundings,
        stop: Stop | None,
    ) -> None:
        self._request = request
        self._graph = graph
        self._pipeline = pipeline
        self._desk = desk
        self._around = around
        self._stop = stop
        self._texts = Texts(desk.texts[1])
        outputs = graph.spec.outputs == "all"
        self._records = Records(desk.rings, self._texts, outputs, self._named)
        self._timeout_ns = round(request.bench.timeouts.query * 1e9)
        self._broken: BaseException | None = None
        self._load_items: Iterator[int] = iter(())

    def run(self) -> None:
        """Answer the supervisor until the load is over."""
        tell(
            self._desk.outbox[1],
            "ready",
            queries_per_pass=self._pipeline.queries_per_pass,
            routes=self._pipeline.route_names,
            library_threads=self._around.threads,
        )
        for kind, instant_ns in self._wishes():
            if kind == Mail.WARM:
                self._warm_up()
            elif kind == Mail.START:
                self._load(instant_ns)
                break
            elif kind == Mail.CANCEL:
                break
        self._texts.close()
        tell(self._desk.outbox[1], "done", stalled_ns=self._desk.rings.stalled_ns)

    def _wishes(self) -> Iterator[tuple[int, int]]:
        """What the supervisor asks for, one by one: the kind and an instant."""
        while data := os.read(self._desk.control[0], MAIL.size):
            kind, _, instant_ns, _ = MAIL.unpack(data)
            yield kind, instant_ns

    def _items(self, phase: str) -> Iterator[int]:
        """The index of the first item of query 0, 1, 2, ..."""
        data = self._graph.spec.data
        names = ("items", self._graph.name, self._around.block, phase)
        order = item_order(
            self._pipeline.queries_per_pass,
            data.order == "shuffled",
            stream(self._around.seed, *names),
        )
        return (index * data.items_per_query for index in order)

    def _serial(self) -> Serial:
        pipeline = self._pipeline
        return Serial(
            pipeline.fetch, pipeline.steps, pipeline.entry, self._records, pipeline.visit,
            self._desk.page, self._timeout_ns,
        )  # fmt: skip

    def _pipelined(self) -> Pipelined:
        pipeline = self._pipeline
        return Pipelined(
            pipeline.fetch, self._stations(), pipeline.entry, pipeline.inside_cycle, self._records,
            pipeline.visit, self._desk.page, self._timeout_ns, self._break,
        )  # fmt: skip

    def _stations(self) -> list[Station]:
        stations = []
        for node, step in zip(self._graph.nodes, self._pipeline.steps, strict=True):
            batch = node.spec.batch
            size, wait_ns = (batch.size, round(batch.max_wait_ms * 1e6)) if batch else (0, 0)
            stations.append(Station(step, node.spec.workers, node.spec.queue, size, wait_ns))
        return stations

    def _break(self, error: BaseException) -> None:
        """A thread failed outside of any stage: let the main thread end the pipeline."""
        self._broken = self._broken or error
        self._over()

    def _named(self, event: str) -> None:
        tell(self._desk.outbox[1], "event", name=event)

    def _over(self) -> None:
        os.write(self._desk.control[1], mail(Mail.OVER))

    def _warm_up(self) -> None:
        """Run the warm-up's queries, with their own items, and put trained state back."""
        seed_everything(self._around, self._graph.name, "warm-up")
        if queries := self._graph.spec.warmup.queries:
            self._run_warm_up(queries)
        for restore in self._pipeline.restorers:
            restore()
        self._desk.page.clear()
        self._load_items = _first_drawn(self._items("load"))
        tell(self._desk.outbox[1], "warm")

    def _run_warm_up(self, queries: int) -> None:
        items = self._items("warm-up")
        if self._graph.spec.execution == "pipelined":
            self._warm_up_threads(queries, items)
            return
        executor = self._serial()
        for number in range(queries):
            executor.run(_warmup_query(number, next(items)))

    def _warm_up_threads(self, queries: int, items: Iterator[int]) -> None:
        executor, ended = self._pipelined(), count(1)

        def finished(flight: Flight) -> None:  # noqa: ARG001
            if next(ended) == queries:
                self._over()

        executor.serve(finished)
        executor.start()
        for number in range(queries):
            executor.admit(_warmup_query(number, next(items)))
        self._until_over(executor)

    def _until_over(self, executor: Pipelined) -> None:
        """Wait for the executor's queries, pass on a wish to cancel, and end its threads."""
        for kind, _ in self._wishes():
            if kind == Mail.CANCEL:
                executor.cancel()
            elif kind == Mail.OVER:
                break
        if self._broken is not None:
            raise self._broken
        executor.stop()

    def _load(self, barrier_ns: int) -> None:
        """Be driven until the load has ended, and every query of it."""
        seed_everything(self._around, self._graph.name, "load")
        watch = self._watch(barrier_ns)
        load, serial = self._graph.load, self._graph.spec.execution == "serial"
        if isinstance(load, ClosedLoad):
            bounds = Bounds.of(self._stop, barrier_ns)
            closed = self._closed_serial if serial else self._closed_pipelined
            end_ns, queries = closed(bounds, barrier_ns, watch)
            tell(self._desk.outbox[1], "loaded", end_ns=end_ns, queries=queries)
        elif serial:
            serial_open(self._serial(), self._records, self._desk.inbox[0], self._desk.page, watch)
        else:
            self._open_pipelined(watch)

    def _watch(self, barrier_ns: int) -> Watch | None:
        window = self._request.window
        if window is None:
            return None
        passed = partial(tell, self._desk.outbox[1], "passed")
        return Watch(*window.bounds_ns(barrier_ns), passed)

    def _closed_serial(
        self, bounds: Bounds, barrier_ns: int, watch: Watch | None
    ) -> tuple[int, int]:
        executor, items = self._serial(), self._load_items
        _wait_for(barrier_ns)
        return serial_closed(executor, items, bounds, barrier_ns, self._desk.page, watch)

    def _closed_pipelined(
        self, bounds: Bounds, barrier_ns: int, watch: Watch | None
    ) -> tuple[int, int]:
        executor = self._pipelined()
        loop = ClosedLoop(self._load_items, bounds, self._desk.page, watch, self._over)
        executor.serve(loop.finished)
        executor.start()
        _wait_for(barrier_ns)
        loop.begin(executor, barrier_ns, cast("ClosedLoad", self._graph.load).in_flight)
        self._until_over(executor)
        return loop.load_end_ns or clock(), loop.sent

    def _open_pipelined(self, watch: Watch | None) -> None:
        executor = self._pipelined()
        loop = OpenLoop(self._desk.page, watch, self._over)
        loop.feed(executor, *self._desk.inbox)
        executor.serve(loop.finished)
        executor.start()
        self._until_over(executor)


def _warmup_query(number: int, item: int) -> tuple[int, int, int, int, int]:
    now = clock()
    return (-1 - number, item, now, now, now)


def _first_drawn(items: Iterator[int]) -> Iterator[int]:
    """The same items, the first of them drawn now: shuffling many takes a while."""
    return chain((next(items),), items)


def _wait_for(instant_ns: int) -> None:
    """Let the barrier's instant come; a closed load starts at it."""
    wait_until(instant_ns, ())
    while clock() < instant_ns:
        pass
