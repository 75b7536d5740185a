"""Stages with a side that a test can see; runs name them ``runs_stages:Name``."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NoReturn, cast

from mlbench.errors import MissingExtraError
from mlbench.interfaces.stage import Context, Payload, Ref, Resource, Stage, stage


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


class SlowToClose(Stage):
    """Never comes to an end of closing."""

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        yield lambda payload: payload
        threading.Event().wait()


class Counter(Resource):
    """A list for those who share it."""

    @contextmanager
    def open(self, context: Context) -> Iterator[list[Payload]]:
        print("opened")
        yield []


class Counts(Stage):
    """How many payloads all that share its list have had."""

    to: Ref

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], int]]:
        shared = cast("list[Payload]", context.resource(self.to))

        def counts(payload: Payload) -> int:
            shared.append(payload)
            return len(shared)

        yield counts


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


class Breaks(Stage):
    """Lets the queries before ``at`` through; at a later one it says so and does ``how``."""

    how: Literal["exit", "hang", "hold", "interrupt", "kill", "leave", "raise", "segfault"]
    at: int

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        context.tracked = True

        def breaks(payload: Payload) -> Payload:
            if context.visit.query >= self.at:
                os.write(2, f"{BREAKS} {self.how}\n".encode())
                WAYS[self.how]()
            return payload

        yield breaks


BREAKS = "the stage breaks now:"


def _raise(error: BaseException) -> NoReturn:
    raise error


def _hold() -> None:
    """Never come back, and never let go of the interpreter lock; a signal changes nothing."""
    ctypes.PyDLL(None).read(os.pipe()[0], ctypes.create_string_buffer(1), 1)


WAYS: dict[str, Callable[[], object]] = {
    "exit": lambda: os._exit(0),
    "hang": lambda: threading.Event().wait(),
    "hold": _hold,
    "interrupt": lambda: _raise(KeyboardInterrupt()),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "leave": lambda: sys.exit("the stage has enough"),
    "raise": lambda: _raise(ValueError("the stage was told to")),
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
}


@stage
def greedy(number: int) -> int:
    """Wants more memory than there is for the number 3."""
    return len(bytearray(1 << 62)) if number == 3 else number


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
