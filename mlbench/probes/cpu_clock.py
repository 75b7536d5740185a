"""The processor time of another process, to the nanosecond and in one system call."""

from __future__ import annotations

import time

__all__ = ["cpu_clock_s"]

SCHED = 2


def cpu_clock_s(pid: int) -> float:
    """Seconds that all threads of a process have used, those that have ended too.

    Linux has a clock for each process, which clock_getcpuclockid(3) names by its number:
    ``MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)`` of its ``posix-timers.h``. It takes a
    quarter of the time of ``/proc/PID/stat``, whose ticks are 10 ms long.

    Raises
    ------
    OSError
        If the process has ended and somebody has waited for it.

    Examples
    --------
    >>> import os
    >>> 0 < cpu_clock_s(os.getpid()) <= time.process_time() + 1
    True
    """
    return time.clock_gettime_ns(~pid << 3 | SCHED) / 1e9
