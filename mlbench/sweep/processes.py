"""The processes of a point: found by a variable that they all inherit, and ended."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mlbench.store.process import children, inheritors

__all__ = ["MARKER", "become_subreaper", "die_with", "end_marked", "marked", "reap"]

MARKER = "MLBENCH_POINT"
"""Variable of the environment that every process of a point inherits: the point's directory."""

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

GRACE_S = 8.0
"""How long processes may take to end when they are asked to; an engine closes its tables."""

POLL_S = 0.02


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def become_subreaper() -> None:
    """Have orphans of this process's descendants come to it: it counts what they used."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int, number: int) -> None:
    """Have the kernel send this process a signal when its parent ends."""
    _prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before the line above
        os.kill(os.getpid(), number)


def marked(directory: Path) -> list[int]:
    """The processes of the point with that directory, this one not."""
    return inheritors(MARKER, str(directory))


def end_marked(directory: Path, wait: Callable[[], None], grace_s: float = GRACE_S) -> None:
    """End all processes of a point: ask them to, then kill them.

    Parameters
    ----------
    wait
        Waits for those that are children and have ended.
    grace_s
        How long they may take when they are asked; 0 kills them at once.
    """
    end_s = time.monotonic() + grace_s
    asked: set[int] = set()
    while found := marked(directory):
        late = time.monotonic() >= end_s
        for pid in found:
            if late or pid not in asked:
                asked.add(pid)
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        wait()
        if late and time.monotonic() > end_s + GRACE_S:
            return  # one that cannot be killed: it waits in the kernel
        time.sleep(POLL_S)


def end_orphans() -> None:
    """Kill the children of this process until it has none: what a point left without its variable.

    This process is their subreaper; those that a killed one leaves come here, too.
    """
    end_s = time.monotonic() + GRACE_S
    while (found := children()) and time.monotonic() < end_s:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        reap()
        time.sleep(POLL_S)


def reap() -> None:
    """Wait for all children that have ended, orphans that came here too."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
