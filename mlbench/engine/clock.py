"""The clock of a run, and waiting for an instant of it.

One clock for everything: ``time.monotonic_ns``. A waiter that must be on time asks for a
timer slack of 1 ns (Linux lets timers be 50 µs late by default), sleeps until shortly
before the instant and spins the rest; where the user may, it runs under ``SCHED_FIFO``.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import time
from collections.abc import Sequence

__all__ = ["SPIN_NS", "cpu_ns", "precise", "wait_until", "wall_offset"]

SPIN_NS = 60_000
"""The last part of a wait that is spun: longer than most wake-ups take."""

PATIENT_SHARE, PATIENT_NS = 0.2, 300_000
"""What is spun on a processor that nobody else needs: so much of a wait, and no more than that.

A processor that sleeps deeply, or that a hypervisor has put to other uses, takes longer to
come back than `SPIN_NS`.
"""

PR_SET_TIMERSLACK = 29
FIFO_PRIORITY = 10


def precise() -> dict[str, bool]:
    """Make this thread's waits precise; says what the system granted."""
    slack = ctypes.CDLL(None, use_errno=True).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) == 0
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except (PermissionError, OSError):
        return {"timer_slack_1ns": slack, "sched_fifo": False}
    return {"timer_slack_1ns": slack, "sched_fifo": True}


def wait_until(
    instant_ns: int,
    readable: Sequence[int],
    writable: Sequence[int] = (),
    patient: bool = False,
) -> bool:
    """Wait for an instant of the run's clock; true if a descriptor was ready before it.

    Sleeps in ``select`` until `SPIN_NS` before the instant; one that is ``patient`` wakes up
    earlier, after a long wait most of all. The caller spins the rest.
    """
    wait_ns = instant_ns - time.monotonic_ns()
    spin_ns = min(PATIENT_SHARE * wait_ns, PATIENT_NS) if patient else 0
    wait_ns -= max(SPIN_NS, round(spin_ns))
    if wait_ns <= 0:
        return False
    ready, ready_to_write, _ = select.select(readable, writable, (), wait_ns / 1e9)
    return bool(ready or ready_to_write)


def cpu_ns() -> int:
    """Processor time of this process so far, in ns; of its children none."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return round((usage.ru_utime + usage.ru_stime) * 1e9)


def wall_offset() -> dict[str, int]:
    """Monotonic and wall clock of one instant, in ns: what maps one to the other."""
    before_ns = time.monotonic_ns()
    wall_ns = time.time_ns()
    return {"monotonic_ns": (before_ns + time.monotonic_ns()) // 2, "realtime_ns": wall_ns}
