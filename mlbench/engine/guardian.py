"""The guardian: outlives the supervisor, and ends what a killed supervisor left running."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable

from mlbench.engine.process import marked

__all__ = ["end_all", "guard"]

RECORDER_S = 10.0
"""How long the recorder may take to write what the rings still hold."""

ROUND_S = 0.1
"""How long one is waited for before others are looked for."""

LEAVE_S = 10.0
"""How long killed processes may take to end; the kernel may hold one in a driver."""


def guard(run: str, supervisor: int, recorder: int) -> None:
    """Wait for the supervisor's end, then end every process of the run.

    The recorder is left alone first: it sees the same end and writes what it still has.
    Forked children share the supervisor's environment, so the marker finds them too.
    """
    _wait_for_end(supervisor)
    end_all(lambda: marked(run, but=(recorder,)))
    _wait_for_end(recorder, RECORDER_S)
    end_all(lambda: marked(run))


def end_all(find: Callable[[], list[int]]) -> int:
    """Kill what ``find`` finds until that is nothing new; returns how many there were.

    When it returns they have ended, except for those that this process may not kill, and
    those that the kernel does not let go of in `LEAVE_S`.
    """
    end_s = time.monotonic() + LEAVE_S
    known: set[int] = set()
    killed: list[int] = []
    # A process may start another while it is being ended, or while one that hangs is waited for.
    while time.monotonic() < end_s and (found := set(find()) - known):
        known |= found
        killed += filter(_kill, found)  # all, before the first is waited for
        for pid in killed:
            _wait_for_end(pid, ROUND_S)
    for pid in killed:
        _wait_for_end(pid, end_s - time.monotonic())
    return len(known)


def _kill(pid: int) -> bool:
    """Whether the process will end by this."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _wait_for_end(pid: int, seconds: float | None = None) -> None:
    """Wait until a process has ended, a child or not, for so long at most."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        waiting.poll(None if seconds is None else max(0.0, seconds) * 1e3)
    finally:
        os.close(descriptor)
