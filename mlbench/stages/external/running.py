"""A program under way: when it runs, and what its next step is."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from time import monotonic_ns

from mlbench.errors import MlbenchError, PipelineError
from mlbench.hook import GATE, STEPS
from mlbench.stages.external.program import Program
from mlbench.stages.external.progress import Progress, Step, from_hook, from_lines, wide_pipe

__all__ = ["Running", "by_hook", "by_lines"]

RANKS = 4096
"""Bytes in the gate's pipe once it is open: each process of a program takes one."""


ENDS_S = 1.0
"""For a program that nothing more comes from, to have ended with all that it started."""


class Running:
    """A program whose steps are asked for one by one.

    Parameters
    ----------
    gate
        Write end of the pipe in front of which a program with the hook waits; null for one
        that is stopped instead.
    tells
        What it should do to tell a step, for messages.
    """

    def __init__(self, program: Program, progress: Progress, tells: str, gate: int | None) -> None:
        self._program = program
        self._progress = progress
        self._tells = tells
        self._gate = gate
        self._lock = threading.Lock()
        self._goes = False
        self._count = 0
        self._last_ns = 0

    def wait_for_setup(self, timeout_s: float) -> None:
        """Wait for its first step, or its word that it is ready; then it does not go on.

        Raises
        ------
        MlbenchError
            If it ends before, or does not get there in time.
        """
        try:
            first = self._progress.next(timeout_s)
        except Empty:
            raise MlbenchError(
                f"{self._named} did not {self._tells} within {timeout_s:g} s (with: {{timeout: "
                f"...}}){self._program.tail()}"
            ) from None
        if first is None:
            raise MlbenchError(
                f"{self._named} {self._ended} before its first step{self._program.tail()}"
            )
        if self._gate is None:
            self._program.pause()

    def pause(self) -> None:
        """Stop it between warm-up and load, if it has run in the warm-up."""
        if self._goes:
            self._program.pause()
        self._goes = False

    def next_step(self) -> tuple[int, float, Step]:
        """Its next step: the number since it was let go on, seconds since the one before, itself.

        Raises
        ------
        PipelineError
            If it has ended.
        """
        with self._lock:
            if not self._goes:
                self._let_go_on()
            while (step := self._progress.next()) is not None:
                if step.ready or step.t_ns < self._last_ns:  # of the time before it went on
                    continue
                self._count += 1
                seconds = (step.t_ns - self._last_ns) / 1e9
                self._last_ns = step.t_ns
                return self._count, seconds, step
        raise PipelineError(
            f"{self._named} {self._ended} after {self._count} steps, before the load was "
            f"over: give it more steps{self._program.tail()}"
        )

    def _let_go_on(self) -> None:
        self._progress.forget()
        self._goes, self._count, self._last_ns = True, 0, monotonic_ns()
        if self._gate is None:
            self._program.resume()
        else:
            os.write(self._gate, bytes(RANKS))
            self._gate = None

    @property
    def _named(self) -> str:
        return f"the program {self._program.command[0]!r}"

    @property
    def _ended(self) -> str:
        """Asked when nothing more comes from it: it has ended, or is about to."""
        return f"ended ({self._program.ended(ENDS_S) or 'it has closed its output'})"


@contextmanager
def by_lines(
    command: Sequence[str], environment: Mapping[str, str], directory: Path | None, pattern: str
) -> Iterator[Running]:
    """A program whose steps are the lines with ``pattern``; it is ended on leaving."""
    read, write = wide_pipe()
    try:
        program = Program(command, environment, directory, output=write)
    except MlbenchError:
        os.close(read)
        raise
    finally:
        os.close(write)
    progress = Progress(read, program.pid, from_lines(pattern), echo=True)
    try:
        yield Running(program, progress, f"print a line with {pattern!r}", gate=None)
    finally:
        program.end()
        progress.close()


@contextmanager
def by_hook(
    command: Sequence[str], environment: Mapping[str, str], directory: Path | None
) -> Iterator[Running]:
    """A program that tells its steps by `mlbench.hook`; it is ended on leaving."""
    read, write = wide_pipe()
    gate_read, gate_write = os.pipe()
    ours = f"/proc/{os.getpid()}/fd"
    variables = {STEPS: f"{ours}/{write}", GATE: f"{ours}/{gate_read}"}
    try:
        program = Program(command, {**environment, **variables}, directory)
        progress = Progress(read, program.pid, from_hook, echo=False)
        try:
            tells = "call ready() or step() of mlbench.hook"
            yield Running(program, progress, tells, gate_write)
        finally:
            program.end()
            progress.close()
    finally:
        for end in (write, gate_read, gate_write):
            os.close(end)
