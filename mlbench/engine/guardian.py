"""The guardian: outlives the supervisor, and ends what a killed supervisor left running."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from mlbench.engine.process import marked

__all__ = ["end_all", "guard"]

RECORDER_S = 10.0
"""How long the recorder may take to write what the rings still hold."""


def guard(run: str, supervisor: int, recorder: int) -> None:
    """Wait for the supervisor's end, then end every process of the run.

    The recorder is left alone first: it sees the same end and writes what it still has.
    Forked children share the supervisor's environment, so the marker finds them too.
    """
    fd = os.pidfd_open(supervisor)
    select.select([fd], [], [])
    end_all(lambda: marked(run, but=(recorder,)))
    with suppress(ProcessLookupError):
        select.select([os.pidfd_open(recorder)], [], [], RECORDER_S)
    end_all(lambda: marked(run))


def end_all(find: Callable[[], list[int]]) -> int:
    """Kill what ``find`` finds until that is nothing; returns how many there were."""
    ended = 0
    for _ in range(20):  # a process may start another while it is being ended
        found = find()
        if not found:
            break
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        ended += len(found)
        time.sleep(0.005)  # they take a moment to leave /proc
    return ended
