"""One attempt at a point: a process of its own, watched to its end, and its state."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from mlbench.sweep.foreign import Watch
from mlbench.sweep.layout import LOG, RUNS, STATE, Point, SweepManifest, point_directory
from mlbench.sweep.outcome import Outcome, told
from mlbench.sweep.processes import MARKER, die_with, end_marked, end_orphans, reap
from mlbench.sweep.state import (
    CONTAMINATED,
    PLANNED,
    RUNNING,
    TIMED_OUT,
    PointState,
    this_process,
    write_state,
)

__all__ = ["PointAttempt"]

TICK_S = 0.25
HEARSAY_S = 1.0
SAVE_S = 5.0
"""How long papermill may take to see that its kernel is gone, and to save the notebook."""
EARLIER = "earlier"
"""Folder of what an earlier attempt left."""


class PointAttempt:
    """What is needed to execute a point once.

    Parameters
    ----------
    directory
        Of the sweep, absolute.
    before
        The state in which the point was.
    """

    def __init__(
        self, directory: Path, manifest: SweepManifest, point: Point, before: PointState
    ) -> None:
        self._directory, self._manifest, self._point = directory, manifest, point
        self._folder = point_directory(directory, point.id)
        self._before = before

    def make(
        self,
        watch: Watch,
        provenance: Mapping[str, Any],  # Any: JSON
        ended: Callable[[], bool],
    ) -> bool:
        """Execute it and write down how that came out; false if the end was asked for."""
        self._set_aside()
        state, began_s = self._begun(provenance), time.monotonic()
        watch.begin()
        outcome = self._follow(*self._fork(), ended)
        seconds = time.monotonic() - began_s
        end_marked(self._folder, reap)
        end_orphans()
        reap()  # orphans that ended by themselves: what they used is known when they are waited for
        if outcome is None:
            self._write(replace(self._before, status=PLANNED, process=None))
            return False
        foreign = watch.since()
        self._write(self._ended(state, seconds, outcome, foreign, watch.reasons(foreign)))
        return True

    def _begun(self, provenance: Mapping[str, Any]) -> PointState:  # Any: JSON
        """The state of a point that runs, written down."""
        state = PointState(
            status=RUNNING,
            attempts=self._before.attempts,
            process=this_process(),
            began=time.time(),
            provenance=provenance,
        )
        self._write(state)
        return state

    def _ended(
        self,
        state: PointState,
        seconds: float,
        outcome: Outcome,
        foreign: Mapping[str, Any],  # Any: JSON
        reasons: tuple[str, ...],
    ) -> PointState:
        judged, attempts = self._judged(outcome, reasons)
        return replace(
            state,
            status=judged.status,
            attempts=attempts,
            process=None,
            ended=time.time(),
            seconds=seconds,
            error=judged.error,
            reasons=judged.reasons,
            foreign=foreign,
        )

    def _write(self, state: PointState) -> None:
        write_state(self._directory, self._point.id, state)

    def _judged(self, outcome: Outcome, foreign: tuple[str, ...]) -> tuple[Outcome, int]:
        """How it stands with what others did, and how many attempts that makes.

        A study makes attempts of its own; when it says contaminated, they are used up.
        """
        if outcome.status == CONTAMINATED:
            return outcome, self._manifest.plan.contamination.attempts
        if foreign and outcome.error is None:
            outcome = Outcome(CONTAMINATED, reasons=foreign)
        return outcome, self._before.attempts + 1

    def _set_aside(self) -> None:
        """Move what an earlier attempt left out of the way; a study is gone on with."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = {STATE, EARLIER, *([RUNS] if self._manifest.kind == "study" else [])}
        left = [entry for entry in self._folder.iterdir() if entry.name not in kept]
        if not left:
            return
        earlier = self._folder / EARLIER
        earlier.mkdir(exist_ok=True)
        place = earlier / f"{len(list(earlier.iterdir())):03d}"
        place.mkdir()
        for entry in left:
            entry.rename(place / entry.name)

    # -- its process ---------------------------------------------------------------------

    def _fork(self) -> tuple[int, int]:
        """Start the process of the point; its id, and the file in which it tells how it came out.

        Forking shares what this process has imported. It has one thread. The file lies in
        memory: it takes an outcome of any length while nobody reads.
        """
        outcome = os.memfd_create("outcome")
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._live(parent, outcome)
        return pid, outcome

    def _live(self, parent: int, file: int) -> NoReturn:
        """The whole life of the point's process."""
        status = 70
        try:
            self._settle(parent)
            outcome = self._execute()
            with open(file, "wb") as told_to:
                told_to.write(outcome.to_bytes())
            status = 0
        except BaseException:  # the last line of a process: what it was must reach its log
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _settle(self, parent: int) -> None:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        die_with(parent, signal.SIGKILL)
        log = os.open(self._folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        plan = self._manifest.plan
        os.environ.update({**plan.environment, MARKER: str(self._folder)})
        if self._manifest.kind == "notebook" and plan.cpus is not None:
            os.sched_setaffinity(0, plan.cpus)
        os.chdir(self._manifest.folder)

    def _execute(self) -> Outcome:
        if self._manifest.kind == "notebook":
            from mlbench.sweep import notebook_point

            return notebook_point.execute(self._directory, self._manifest, self._point)
        from mlbench.sweep import spec_point

        return spec_point.execute(self._directory, self._manifest, self._point)

    def _follow(self, pid: int, file: int, ended: Callable[[], bool]) -> Outcome | None:
        """Wait for its end; null if the end of the block was asked for before."""
        limit_s = self._manifest.plan.timeouts.whole
        end_s = time.monotonic() + limit_s
        descriptor = os.pidfd_open(pid)
        try:
            while not select.select([descriptor], [], [], TICK_S)[0]:
                if ended():
                    self._end(pid)
                    return None
                if time.monotonic() >= end_s:
                    self._time_out(pid, descriptor)
                    text = f"it took longer than {limit_s:g} s"
                    return Outcome.failed("Timeout", text, status=TIMED_OUT)
            _, status = os.waitpid(pid, 0)
            outcome = told(_read(file)) or self._died(status)
            return None if outcome.error and _was_asked(ended, status) else outcome
        finally:
            os.close(descriptor)
            os.close(file)

    def _end(self, pid: int) -> None:
        """End it, so that it starts nothing more, and then all that it started."""
        if _is_child(pid):
            os.kill(pid, signal.SIGKILL)
        end_marked(self._folder, reap)

    def _time_out(self, pid: int, descriptor: int) -> None:
        """End it; a notebook whose kernel is gone first keeps what its cells have printed."""
        if self._manifest.kind == "notebook":
            end_marked(self._folder, lambda: None)
            select.select([descriptor], [], [], SAVE_S)
        self._end(pid)

    def _died(self, status: int) -> Outcome:
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            return Outcome.failed("Died", f"its process was ended by {signal.Signals(-code).name}")
        last = _last_line(self._folder / LOG)
        return Outcome.failed(last.partition(":")[0] or "Died", last or f"it exited with {code}")


def _was_asked(ended: Callable[[], bool], status: int) -> bool:
    """Whether a point failed because the end of the block was asked for.

    Slurm signals all processes of a job, one after the other: the point may be gone before
    this process hears of it.
    """
    terminated = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM
    end_s = time.monotonic() + (HEARSAY_S if terminated else 0)
    while not (asked := ended()) and time.monotonic() < end_s:
        time.sleep(0.02)
    return asked


def _read(file: int) -> bytes:
    """What a process that has ended wrote."""
    return os.pread(file, os.fstat(file).st_size, 0)


def _is_child(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False


def _last_line(log: Path) -> str:
    try:
        lines = log.read_bytes()[-4000:].decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line for line in reversed(lines) if line.strip()), "")
