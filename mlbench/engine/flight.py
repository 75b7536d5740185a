"""What the pipelined executor moves and where it stops: a query under way, a stage's queue."""

from __future__ import annotations

import threading

from mlbench.engine.channel import Channel
from mlbench.engine.flow import Branch, Joins, Step
from mlbench.engine.records import Ended, Query, TimedSpan
from mlbench.records import NULL

__all__ = ["Flight", "Station"]


class Flight:
    """A query under way: its live branches are counted, and it is done at zero."""

    __slots__ = ("deadline", "done", "ended", "joins", "live", "lock", "query", "started", "timed")

    def __init__(self, query: Query) -> None:
        self.query = query
        self.started = NULL
        self.done = NULL
        self.deadline = 0
        self.live = 1
        self.ended: Ended | None = None
        self.joins: Joins | None = None
        self.lock: threading.Lock | None = None
        self.timed: list[TimedSpan] = []


class Station:
    """A stage with what stands in front of it.

    Parameters
    ----------
    workers
        Threads that call the stage.
    batch_size, max_wait_ns
        Of dynamic batches; a size of 0 calls the stage for each payload.
    """

    def __init__(self, step: Step, workers: int, queue: int, batch_size: int, max_wait_ns: int):
        self.step = step
        self.workers = workers
        self.channel: Channel[Branch] = Channel(queue)
        self.batch_size = batch_size
        self.max_wait_ns = max_wait_ns
