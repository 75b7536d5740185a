"""No-op chains through the executors, with spans recorded: the cost of a stage.

Reference for the serial executor: a plain call between two clock reads, the least that a
measured stage can cost. For the pipelined one: bare threads over queues.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise, repeat
from statistics import median

from benchmarks.row import Row, interleaved, quantity, ratio
from mlbench.check import resolve_pipeline
from mlbench.engine.desk import Desk
from mlbench.engine.flight import Flight, Station
from mlbench.engine.opened import Opened, Surroundings, opened
from mlbench.engine.pipelined import Pipelined
from mlbench.engine.records import Records
from mlbench.engine.serial import Serial
from mlbench.engine.wire import Texts
from mlbench.spec import Benchmark

NEVER_NS = 10**15
REPEATS = 15


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    for depth in (1, 10, 100):
        yield serial(depth)
    yield loop()
    yield one_in_flight()
    yield from many_in_flight()
    yield payload()


def chain(
    depth: int, execution: str, stage: str = "synthetic.noop", data_bytes: int = 0
) -> Benchmark:
    """A benchmark of one pipeline: a chain of no-ops."""
    stages = {f"s{i}": {"uses": stage, "to": f"s{i + 1}"} for i in range(depth - 1)}
    stages[f"s{depth - 1}"] = {"uses": stage}
    data = {"uses": "synthetic.items", "with": {"n": 1000, "bytes": data_bytes}}
    pipeline = {"data": data, "execution": execution, "stages": stages}
    return Benchmark(name="chain", pipelines={"chain": pipeline})


@contextmanager
def open_chain(bench: Benchmark) -> Iterator[tuple[Opened, Desk]]:
    """The chain, opened as a worker opens it."""
    graph = resolve_pipeline(bench, "chain")
    with opened(graph, Surroundings("cpu", 1, 0, 0)) as pipeline:
        yield pipeline, Desk()


def drain(desk: Desk) -> None:
    """What the recorder does, without writing: so that the rings never fill."""
    rings = desk.rings
    for ring in vars(rings).values():
        while len(ring.take()):
            continue


def serial(depth: int) -> Row:
    """Microseconds a stage of a serial chain."""
    queries = max(20, 4000 // depth)
    with open_chain(chain(depth, "serial")) as (pipeline, desk):
        records = Records(desk.rings, Texts(desk.texts[1]), outputs=False)
        executor = Serial(
            pipeline.fetch, pipeline.steps, pipeline.entry, records, pipeline.visit, desk.page,
            NEVER_NS,
        )  # fmt: skip
        calls = [step.call for step in pipeline.steps]

        def ours() -> float:
            drain(desk)
            begin = time.perf_counter()
            for number in range(queries):
                executor.run((number, number % 1000, 0, 0, 0))
            return (time.perf_counter() - begin) / queries / depth

        measured, reference = interleaved(REPEATS, ours, lambda: _plain(calls, queries, depth))
    estimate, text = ratio(measured, reference)
    bar_us = 2.0 if depth == 1 else 1.2
    met = median(measured) * 1e6 <= bar_us and (depth == 1 or estimate <= 6)
    return Row(
        "dispatch",
        f"serial chain of {depth}: a stage",
        quantity(measured, "µs", 1e6),
        quantity(reference, "µs (call, two clock reads)", 1e6),
        text,
        f"≤ {bar_us} µs" + ("" if depth == 1 else ", ≤ 6 ×"),
        met,
    )


def loop() -> Row:
    """A loop of four no-ops with one retry: eight visits and a way out, in microseconds."""
    stages: dict[str, dict[str, object]] = {
        f"s{i}": {"uses": "synthetic.noop", "to": f"s{(i + 1) % 4}"} for i in range(4)
    }
    stages["s0"] |= {"max_visits": 2, "then": "end"}
    stages["end"] = {"uses": "synthetic.noop"}
    data = {"uses": "synthetic.items", "with": {"n": 1000}}
    bench = Benchmark(name="loop", pipelines={"chain": {"data": data, "stages": stages}})
    with open_chain(bench) as (pipeline, desk):
        records = Records(desk.rings, Texts(desk.texts[1]), outputs=False)
        executor = Serial(
            pipeline.fetch, pipeline.steps, pipeline.entry, records, pipeline.visit, desk.page,
            NEVER_NS,
        )  # fmt: skip

        def ours() -> float:
            drain(desk)
            begin = time.perf_counter()
            for number in range(500):
                executor.run((number, number % 1000, 0, 0, 0))
            return (time.perf_counter() - begin) / 500

        measured = [ours() for _ in range(REPEATS)]
    return Row(
        "dispatch", "serial loop of four no-ops with one retry: a query",
        quantity(measured, "µs", 1e6), "", "", "microseconds", max(measured) < 1e-3,
    )  # fmt: skip


def _plain(calls: list[Callable[[object], object]], queries: int, depth: int) -> float:
    clock = time.monotonic_ns
    begin = time.perf_counter()
    for number in range(queries):
        payload: object = number
        for call in calls:
            clock()
            payload = call(payload)
            clock()
    return (time.perf_counter() - begin) / queries / depth


class _Threads:
    """A pipelined executor that counts what has ended."""

    def __init__(self, pipeline: Opened, desk: Desk) -> None:
        records = Records(desk.rings, Texts(desk.texts[1]), outputs=False)
        stations = [Station(step, 1, 64, 0, 0) for step in pipeline.steps]
        self.executor = Pipelined(
            pipeline.fetch, stations, pipeline.entry, pipeline.inside_cycle, records,
            pipeline.visit, desk.page, NEVER_NS, print,
        )  # fmt: skip
        self.ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.executor.serve(self._note)
        self.executor.start()
        self._desk = desk

    def _note(self, flight: Flight) -> None:
        self.ended.put(flight.query[0])

    def run(self, queries: int, in_flight: int) -> float:
        """Seconds for all queries, with so many in flight."""
        drain(self._desk)
        begin = time.perf_counter()
        for number in range(min(in_flight, queries)):
            self.executor.admit((number, number % 1000, 0, 0, 0))
        for number in range(in_flight, queries + in_flight):
            self.ended.get()
            if number < queries:
                self.executor.admit((number, number % 1000, 0, 0, 0))
            if number % 2000 == 0:
                drain(self._desk)
        return time.perf_counter() - begin


def _bare(
    make: Callable[[], queue.SimpleQueue[int]], depth: int, queries: int, flight: int
) -> float:
    """Seconds for bare threads that hand an item from queue to queue."""
    queues = [make() for _ in range(depth + 1)]

    def hop(source: queue.SimpleQueue[int], target: queue.SimpleQueue[int]) -> None:
        while (item := source.get()) >= 0:
            target.put(item)

    threads = [threading.Thread(target=hop, args=pair, daemon=True) for pair in pairwise(queues)]
    for thread in threads:
        thread.start()
    begin = time.perf_counter()
    for number in range(min(flight, queries)):
        queues[0].put(number)
    for number in range(flight, queries + flight):
        queues[-1].get()
        if number < queries:
            queues[0].put(number)
    seconds = time.perf_counter() - begin
    for each in queues[:-1]:
        each.put(-1)
    return seconds


def one_in_flight() -> Row:
    """A hop of a pipelined chain with one query in flight."""
    depth, queries = 10, 300
    with open_chain(chain(depth, "pipelined")) as (pipeline, desk):
        threads = _Threads(pipeline, desk)
        measured, reference = interleaved(
            REPEATS,
            lambda: threads.run(queries, 1) / queries / (depth + 1),
            lambda: _bare(queue.SimpleQueue, depth, queries, 1) / queries / (depth + 1),
        )
        threads.executor.stop()
    estimate, text = ratio(measured, reference)
    return Row(
        "dispatch",
        f"pipelined chain of {depth}, one in flight: a hop",
        quantity(measured, "µs", 1e6),
        quantity(reference, "µs (threads, SimpleQueue)", 1e6),
        text,
        "≤ 1.3 ×",
        estimate <= 1.3,
    )


def many_in_flight() -> Iterator[Row]:
    """Queries a second through a pipelined chain of 10 with many in flight."""
    depth, queries, flight = 10, 8000, 256
    with open_chain(chain(depth, "pipelined")) as (pipeline, desk):
        threads = _Threads(pipeline, desk)
        measured, simple, locked = interleaved(
            5,
            lambda: queries / threads.run(queries, flight),
            lambda: queries / _bare(queue.SimpleQueue, depth, queries, flight),
            lambda: queries / _bare(queue.Queue, depth, queries, flight),  # type: ignore[arg-type]
        )
        threads.executor.stop()
    for name, reference in (("SimpleQueue", simple), ("queue.Queue", locked)):
        _, text = ratio(measured, reference)
        yield Row(
            "dispatch",
            "pipelined chain of 10, many in flight",
            quantity(measured, "queries/s"),
            quantity(reference, f"queries/s (threads, {name})"),
            text,
            "≥ 30,000 queries/s",
            median(measured) >= 30_000,
        )


def payload() -> Row:
    """A payload of 10 MiB beside an empty one: it goes by reference."""
    queries = 500

    def run(data_bytes: int) -> Callable[[], float]:
        manager = open_chain(chain(10, "serial", data_bytes=data_bytes))
        pipeline, desk = manager.__enter__()
        texts = Texts(desk.texts[1])
        records = Records(desk.rings, texts, outputs=True)
        executor = Serial(
            pipeline.fetch, pipeline.steps, pipeline.entry, records, pipeline.visit, desk.page,
            NEVER_NS,
        )  # fmt: skip
        os.set_blocking(desk.texts[0], False)

        def once() -> float:
            drain(desk)
            _empty(desk.texts[0])
            begin = time.perf_counter()
            for number in range(queries):
                executor.run((number, 0, 0, 0, 0))
            return (time.perf_counter() - begin) / queries

        return once

    measured, reference = interleaved(REPEATS, run(10 << 20), run(1))
    estimate, text = ratio(measured, reference)
    return Row(
        "dispatch",
        "serial chain of 10, payload of 10 MiB, outputs captured: a query",
        quantity(measured, "µs", 1e6),
        quantity(reference, "µs (1 byte)", 1e6),
        text,
        "≤ 1.05 ×",
        estimate <= 1.05,
    )


def _empty(fd: int) -> None:
    for _ in repeat(None):
        try:
            os.read(fd, 1 << 20)
        except BlockingIOError:
            return
