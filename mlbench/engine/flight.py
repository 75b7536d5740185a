"""What the pipelined executor moves and where it stops: a query under way, a stage's bounds."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from mlbench.engine.flow import Joins, Step
from mlbench.engine.records import Ended, Query, TimedSpan
from mlbench.records import NULL

__all__ = ["Flight", "Station"]


class Flight:
    """A query under way: its live branches are counted, and it is done at zero.

    Attributes
    ----------
    until
        What a stage looks at before and after each call: the deadline, or 0 where more is to
        be looked at, because the query has not started or has already ended.
    """

    __slots__ = (
        "deadline",
        "done",
        "ended",
        "joins",
        "live",
        "lock",
        "number",
        "query",
        "started",
        "timed",
        "until",
    )

    def __init__(self, query: Query) -> None:
        self.query = query
        self.number = query[0]
        self.started = NULL
        self.done = NULL
        self.deadline = 0
        self.until = 0
        self.live = 1
        self.ended: Ended | None = None
        self.joins: Joins | None = None
        self.lock: threading.Lock | None = None
        self.timed: list[TimedSpan] = []


@dataclass(frozen=True)
class Station:
    """A stage, and what bounds its calls.

    Parameters
    ----------
    workers
        Calls that may go on at once.
    queue
        Branches that may wait in front of it.
    batch_size, max_wait_ns
        Of dynamic batches; a size of 0 calls the stage for each payload.
    """

    step: Step
    workers: int
    queue: int
    batch_size: int
    max_wait_ns: int
