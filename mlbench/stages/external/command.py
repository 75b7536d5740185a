"""Stage: a step of somebody's own program."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from mlbench.interfaces.stage import Context, Payload, Stage
from mlbench.stages.external.running import Running, by_hook, by_lines
from mlbench.stages.external.surroundings import surroundings
from mlbench.stages.external.words import Command as Words
from mlbench.stages.external.words import filled

__all__ = ["Command"]

Result = dict[str, object]


class Command(Stage):
    r"""The next step of a program that runs beside: ``{step, seconds, ...}``.

    The program is any command, such as ``torchrun train.py``; it needs no change. Each query
    waits for one step of it, so with the default load, ``closed`` with one in flight, the
    pipeline's latency is the time of a step and its throughput the program's. The payload
    is not looked at.

    Steps are lines that it prints in which ``pattern`` is found; named groups in it
    become numbers, ``step \d+ loss (?P<loss>[\d.]+)``. Or, with ``progress: hook``, the
    calls of ``step()`` in the program, for which two lines are added to it: ``from
    mlbench.hook import step`` and, in its loop, ``step()``, or ``step(loss=0.5)`` with numbers.
    The hook takes the time itself; a line has the time at which it was read. Both hand on
    each step, in order: none is left out when queries come late, and the program never waits
    for a query.

    Set-up is what the program does until its first line that matches, or until
    ``ready()``. Then it waits until all pipelines are ready: the hook does not return, a
    program without it is stopped (SIGSTOP, with all its processes). The first query of
    warm-up or load lets it go on. Between warm-up and load it is stopped again; what it
    learnt is not undone.

    Its end is that of the pipeline, which then fails: with what it said last, also where
    its exit status is 0. Give it more steps than the run has time for. It is ended with all
    that it started when the pipeline ends: SIGTERM, after 2 s SIGKILL.

    It runs on the pipeline's processors and sees the pipeline's GPU alone, as
    ``CUDA_VISIBLE_DEVICES``. What it prints is in the pipeline's ``stderr.log``. The events
    of a span are ``step_seconds`` and the numbers, all at the exact time of the step; the
    span itself ends when this process has read of it, some tenths of a millisecond later.
    """

    takes: ClassVar[object] = object
    gives: ClassVar[object] = dict[str, object]
    example: ClassVar[str] = (
        "train:\n"
        "  uses: external.command\n"
        "  with:\n"
        "    command: [torchrun, --nproc-per-node=1, train.py]\n"
        "    pattern: 'step \\d+ loss (?P<loss>[\\d.]+)'"
    )

    command: Words = Field(
        description="its words, or one line; {threads} is the pipeline's number of threads"
    )
    progress: Literal["lines", "hook"] = Field(default="lines", description="what tells steps")
    pattern: str = Field(default="step", description="regular expression; a line with it is a step")
    directory: Path | None = Field(default=None, description="where it runs; default: here")
    environment: dict[str, str] = Field(default={}, description="variables to add")
    timeout: float = Field(default=300, gt=0, description="seconds that its set-up may take")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return value

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Result]]:
        """Start the program, wait for its first step, yield a function that waits for one more."""
        with self._running(context) as running:
            running.wait_for_setup(self.timeout)
            context.after_warmup(running.pause)

            def step(payload: Payload) -> Result:  # noqa: ARG001
                number, seconds, told = running.next_step()
                context.event("step_seconds", seconds, told.t_ns)
                for name, value in told.values.items():
                    context.event(name, value, told.t_ns)
                return {"step": number, "seconds": seconds, **told.values}

            yield step

    def _running(self, context: Context) -> AbstractContextManager[Running]:
        words = filled(self.command, {"threads": context.threads})
        variables = surroundings(context, self.environment)
        if self.progress == "hook":
            return by_hook(words, variables, self.directory)
        return by_lines(words, variables, self.directory, self.pattern)
