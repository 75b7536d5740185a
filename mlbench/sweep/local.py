"""Executes the blocks of a sweep on this machine, one after the other."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mlbench.errors import EngineError, Problem, SpecError, nearest
from mlbench.sweep.executor import LOCKED, TERMINATED, Follow
from mlbench.sweep.layout import block_lock, block_log, point_directory, read_plan
from mlbench.sweep.locks import HeldError
from mlbench.sweep.processes import end_marked
from mlbench.sweep.state import RUNNING, states

__all__ = ["Local"]

TICK_S = 0.1


class Local:
    """Blocks in turn, each in a process of its own.

    Parameters
    ----------
    waits
        Whether a block waits for another sweep that holds its processors or GPUs.
    """

    def __init__(self, waits: bool = True) -> None:
        self.waits = waits

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Local:
        """With ``--no-wait``, or without.

        Raises
        ------
        SpecError
            If there is another option.
        """
        unknown = [each for each in arguments if each != "--no-wait"]
        if unknown:
            hint = nearest(unknown[0], ["--no-wait"])
            raise SpecError([Problem((), f"{unknown[0]}: no option of --on local", hint)])
        return cls(waits=not arguments)

    def run(self, directory: Path, blocks: Sequence[str], follow: Follow) -> None:
        """Execute blocks, and return when each has ended or the end was asked for.

        Raises
        ------
        HeldError
            If somebody holds what a block needs, and it should not wait.
        EngineError
            If one could not be executed; the others were.
        """
        failures = []
        for block in blocks:
            status = self._execute(directory, block, follow)
            while status == LOCKED and self.waits:  # another resume has it, and may leave some
                if not _is_free(directory, block, follow):
                    return
                status = self._execute(directory, block, follow)
            if status is None:
                return
            if status == LOCKED and not self.waits:
                raise HeldError(_said(directory, block))
            if status not in (0, TERMINATED):
                failures.append(f"block {block} ended with {status}: {_said(directory, block)}")
        if failures:
            hint = f"what is left: mlbench sweep --resume {directory}"
            raise EngineError("\n".join([*failures, hint]))

    def _execute(self, directory: Path, block: str, follow: Follow) -> int | None:
        """The exit status of a block; null if the end was asked for."""
        process = self._start(directory, block)
        asked = 0
        try:
            while process.poll() is None:
                asked = _passed_on(process, directory, asked, follow())
                with suppress(subprocess.TimeoutExpired):
                    process.wait(TICK_S)
        except BaseException:  # the caller's interrupt: leave a sweep that can be resumed
            process.terminate()
            process.wait()
            raise
        return None if asked or follow() else process.returncode

    def _start(self, directory: Path, block: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "mlbench.sweep.block", str(directory.resolve()), block]
        command += ["--parent", str(os.getpid()), *([] if self.waits else ["--no-wait"])]
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        with block_log(directory, block).open("ab") as log:
            return subprocess.Popen(  # noqa: S603  (this Python, this package)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,
            )


def _is_free(directory: Path, block: str, follow: Follow) -> bool:
    """Wait until nobody executes a block; false if the end was asked for."""
    while not follow():
        with block_lock(directory, block).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                time.sleep(TICK_S)
    return False


def _passed_on(process: subprocess.Popen[bytes], directory: Path, before: int, asked: int) -> int:
    """Pass an interrupt on to the block; returns how many were."""
    if asked > before:
        if asked == 1:
            process.terminate()
        else:
            process.kill()
            process.wait()
            _end_points(directory)
    return asked


def _end_points(directory: Path) -> None:
    """End what the points of a block that was killed have started."""
    manifest = read_plan(directory)
    found = states(directory, [point.id for point in manifest.points])
    for point, state in found.items():
        if state.status in (RUNNING, "interrupted"):
            end_marked(point_directory(directory.resolve(), point), lambda: None, grace_s=0)


def _said(directory: Path, block: str) -> str:
    """The end of what a block wrote to its log."""
    try:
        lines = block_log(directory, block).read_text("utf-8", "replace").splitlines()
    except OSError:
        return "it said nothing"
    return "\n".join(lines[-5:]) or "it said nothing"
