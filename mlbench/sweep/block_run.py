"""The execution of one block in this process: locks, points in turn, states."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from mlbench.sweep.attempt import PointAttempt
from mlbench.sweep.executor import LOCKED, TERMINATED
from mlbench.sweep.foreign import Watch
from mlbench.sweep.layout import SweepManifest, block_lock, block_note, point_directory, read_plan
from mlbench.sweep.locks import HeldError, Locks, runtime_directory
from mlbench.sweep.processes import end_marked, reap
from mlbench.sweep.provenance import provenance_of
from mlbench.sweep.resources import resources_of
from mlbench.sweep.state import (
    INTERRUPTED,
    PLANNED,
    RUNNING,
    is_finished,
    read_state,
    states,
    this_process,
    write_state,
)

__all__ = ["BlockRun"]


class BlockRun:
    """The execution of one block in this process.

    Parameters
    ----------
    directory
        Of the sweep.
    block
        Its id.
    waits
        Whether it waits for those who hold its processors and GPUs.
    """

    def __init__(self, directory: Path, block: str, waits: bool = True) -> None:
        self._directory = directory.resolve()
        self._manifest: SweepManifest = read_plan(self._directory)
        self._block = block
        self._points = self._manifest.points_of(block)
        self._waits = waits
        self._ended = False

    def end(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  (a handler)
        """Ask for the end: what runs is planned again."""
        self._ended = True

    def prepare(self) -> None:
        """Import once what the processes of all points need."""
        if self._manifest.kind == "notebook":
            from mlbench.sweep.notebook_point import prepare

            prepare()
        else:
            import mlbench.sweep.spec_point  # noqa: F401

    def execute(self) -> int:
        """Execute every unfinished point; returns the exit status."""
        lock = os.open(block_lock(self._directory, self._block), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write(f"another process executes the block {self._block}\n")
            return LOCKED
        try:
            os.ftruncate(lock, 0)
            os.write(lock, json.dumps(this_process()).encode())
            self._clear()
            if not self._left():
                return 0
            return self._locked()
        finally:
            os.ftruncate(lock, 0)
            os.close(lock)

    def _clear(self) -> None:
        """Plan again what somebody began who is gone: this process holds the block's lock."""
        found = states(self._directory, [point.id for point in self._points])
        for point, state in found.items():
            if state.status in (RUNNING, INTERRUPTED):
                end_marked(point_directory(self._directory, point), reap)
                changes: dict[str, Any] = {"status": PLANNED, "process": None}
                write_state(self._directory, point, replace(state, **changes))

    def _left(self) -> list[str]:
        """Ids of the points that are to be executed, in their order; those again come last."""
        attempts = self._manifest.plan.contamination.attempts
        found = states(self._directory, [point.id for point in self._points])
        left = [name for name, state in found.items() if not is_finished(state, attempts)]
        return sorted(left, key=lambda name: found[name].attempts)

    def _locked(self) -> int:
        """Execute them with everything locked that they use."""
        used = resources_of(self._directory, self._manifest, self._points)
        locks = Locks(runtime_directory())
        holder = {"sweep": str(self._directory), "block": self._block, "process": os.getpid()}
        try:
            if not locks.take(used.locks, holder, self._wait if self._waits else None):
                return TERMINATED
            self._say("")
            watch = Watch(self._manifest, used)
            watch.before(self._pause)
            provenance = provenance_of(self._manifest, used)
            return self._points_in_turn(watch, provenance)
        except HeldError as error:
            sys.stderr.write(f"{error}\n")
            return LOCKED
        finally:
            self._say("")
            locks.release()

    def _points_in_turn(self, watch: Watch, provenance: Mapping[str, Any]) -> int:  # Any: JSON
        by_id = {point.id: point for point in self._points}
        while left := self._left():
            if self._ended:
                return TERMINATED
            point = by_id[left[0]]
            before = read_state(self._directory, point.id)
            attempt = PointAttempt(self._directory, self._manifest, point, before)
            if not attempt.make(watch, provenance, lambda: self._ended):
                return TERMINATED
        return 0

    def _wait(self, told: str) -> bool:
        self._say(f"waiting: {told}")
        return not self._ended

    def _pause(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while not self._ended and (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(left_s, 0.1))

    def _say(self, text: str) -> None:
        """What it does besides executing points, for those who look on; empty for nothing."""
        note = block_note(self._directory, self._block)
        if not text:
            note.unlink(missing_ok=True)
        elif not note.is_file() or note.read_text(encoding="utf-8") != text:
            note.write_text(text, encoding="utf-8")
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
