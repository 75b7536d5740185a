"""Stages with a side that a test can see; runs name them ``runs_stages:Name``."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from mlbench.errors import MissingExtraError
from mlbench.interfaces.stage import Context, Payload, Stage, stage


class Broken(Stage):
    """Cannot be opened."""

    def open(self, context: Context) -> NoReturn:
        raise FileNotFoundError("no weights here")


class WithoutExtra(Stage):
    """Needs a package that is not installed."""

    def open(self, context: Context) -> NoReturn:
        cause = ModuleNotFoundError("No module named 'faraway'", name="faraway")
        raise MissingExtraError("runs_stages:WithoutExtra", "vision", cause)


class SlowToOpen(Stage):
    """Takes its time."""

    seconds: float

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        time.sleep(self.seconds)
        yield lambda payload: payload


class Says(Stage):
    """Records two events in each span."""

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        def say(payload: Payload) -> Payload:
            context.event("first token")
            context.event("tokens", 17)
            return payload

        yield say


class Starts(Stage):
    """Starts a process that would go on for ever, and gives its id.

    It stays in the worker's group, or leaves it for a session of its own, with or without
    the environment that it would inherit.
    """

    leaves: bool = False
    forgets: bool = False

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        environment: dict[str, str] | None = {} if self.forgets else None
        child = subprocess.Popen(
            ["/bin/sleep", "600"], start_new_session=self.leaves, env=environment
        )
        print("started", child.pid)
        yield lambda payload: child.pid


@stage
def loud(payload: Payload) -> Payload:
    """Prints, as user code does."""
    print("printed by a stage")
    return payload


@stage
def surroundings(payload: Payload) -> dict[str, object]:
    """Where the stage runs, as its process sees it."""
    return {
        "cpus": sorted(os.sched_getaffinity(0)),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "omp": os.environ["OMP_NUM_THREADS"],
    }
