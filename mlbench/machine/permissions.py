"""What this user may do and how much the system allows, as far as measuring needs it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlbench.machine import kernel
from mlbench.machine.missing import explained

__all__ = [
    "FIXES",
    "HIGH_NICE",
    "Permissions",
    "may_have_high_priority",
    "may_set_nice",
    "may_set_realtime",
    "read_permissions",
]

HIGH_NICE = -10
"""Niceness of a pipeline with high priority."""

CAP_SYS_NICE = 1 << 23
CAP_IPC_LOCK = 1 << 14


@dataclass(frozen=True)
class Permissions:
    """Rights and limits. What is null has its reason in ``reasons``.

    Parameters
    ----------
    realtime
        Whether the dispatcher may run at a real-time priority, so that it wakes on time.
    pin_cpus
        Whether processes may be pinned to processors.
    rapl
        Whether the processors' energy counters can be read.
    perf_event_paranoid
        The kernel's level: up to 2 lets a process count its own events.
    open_files, locked_memory_bytes
        Limits of one process; null if there is none.
    pipe_max_bytes
        What a pipe's buffer may be enlarged to.
    shared_memory_bytes, shared_memory_free_bytes
        Size of the file system that shared memory lives in, and what is free of it.
    high_priority
        Whether a pipeline may be put before all others that are not nice.
    reasons
        Why a field is null, by its name.
    """

    realtime: bool | None = None
    pin_cpus: bool | None = None
    rapl: bool | None = None
    perf_event_paranoid: int | None = None
    open_files: int | None = None
    locked_memory_bytes: int | None = None
    pipe_max_bytes: int | None = None
    shared_memory_bytes: int | None = None
    shared_memory_free_bytes: int | None = None
    high_priority: bool | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


FIXES: Mapping[str, str] = {
    "realtime": 'echo "$USER - rtprio 50" | sudo tee /etc/security/limits.d/mlbench.conf, and log '
    "in again; in a container: docker run --cap-add SYS_NICE",
    "high_priority": 'echo "$USER - nice -10" | sudo tee -a /etc/security/limits.d/mlbench.conf, '
    "and log in again; in a container: docker run --cap-add SYS_NICE",
    "pin_cpus": "docker run --security-opt seccomp=unconfined, or a runtime that allows "
    "sched_setaffinity",
    "rapl": "sudo chmod o+r /sys/class/powercap/intel-rapl:*/energy_uj",
    "perf_event_paranoid": "sudo sysctl kernel.perf_event_paranoid=2",
    "open_files": "ulimit -n 4096",
    "locked_memory_bytes": "ulimit -l unlimited; in a container: docker run --ulimit memlock=-1",
    "pipe_max_bytes": "sudo sysctl fs.pipe-max-size=1048576",
    "shared_memory_bytes": "docker run --shm-size=2g, or sudo mount -o remount,size=2g /dev/shm",
    "shared_memory_free_bytes": "remove what other programs left in /dev/shm",
}
"""What to type to get each of them."""

REASONS = {
    "realtime": "this system has no limit on real-time priorities to ask for",
    "high_priority": "this system has no limit on niceness to ask for",
    "pin_cpus": "this system has no processor affinity",
    "rapl": "this machine shows no energy counters; a hypervisor may hide them",
    "perf_event_paranoid": "the kernel does not say",
    "open_files": "there is no limit",
    "locked_memory_bytes": "there is no limit",
    "pipe_max_bytes": "the kernel does not say",
    "shared_memory_bytes": "there is no file system for shared memory",
    "shared_memory_free_bytes": "there is no file system for shared memory",
}


def read_permissions(root: Path = Path("/")) -> Permissions:
    """Rights and limits of this process; those that files tell are looked up below ``root``."""
    capabilities = _capabilities(root)
    shared_bytes, free_bytes = _shared_memory(root)
    unlimited = bool(capabilities & CAP_IPC_LOCK)
    permissions = Permissions(
        realtime=may_set_realtime(capabilities, _limit("RLIMIT_RTPRIO")),
        high_priority=may_set_nice(HIGH_NICE, capabilities, _limit("RLIMIT_NICE")),
        pin_cpus=_may_pin(),
        rapl=_may_read_rapl(root),
        perf_event_paranoid=kernel.number(root / "proc/sys/kernel/perf_event_paranoid"),
        open_files=_soft_limit("RLIMIT_NOFILE"),
        locked_memory_bytes=None if unlimited else _soft_limit("RLIMIT_MEMLOCK"),
        pipe_max_bytes=kernel.number(root / "proc/sys/fs/pipe-max-size"),
        shared_memory_bytes=shared_bytes,
        shared_memory_free_bytes=free_bytes,
    )
    return explained(permissions, REASONS)


def may_set_realtime(capabilities: int, limit: tuple[int, int] | None) -> bool | None:
    """Whether a process may run at a real-time priority; null where there is no such thing.

    It is not tried: a measuring process that fails to come back from it would stop the
    machine. A hard limit counts, since a process may raise its soft limit up to it.

    Parameters
    ----------
    capabilities
        The effective set, as a bit mask.
    limit
        Soft and hard limit of the priority; -1 is no limit.
    """
    if limit is None:
        return None
    return bool(capabilities & CAP_SYS_NICE) or limit[1] != 0


def may_set_nice(nice: int, capabilities: int, limit: tuple[int, int] | None) -> bool | None:
    """Whether a process may lower its niceness so far; null where there is no such limit.

    A limit of n allows a niceness down to 20 - n, see getrlimit(2).

    Parameters
    ----------
    capabilities
        The effective set, as a bit mask.
    limit
        Soft and hard limit; -1 is no limit.
    """
    if limit is None:
        return None
    lowest = -20 if limit[0] < 0 else 20 - limit[0]
    return bool(capabilities & CAP_SYS_NICE) or nice >= lowest


def may_have_high_priority(root: Path = Path("/")) -> bool:
    """Whether this process may put a pipeline before all others that are not nice."""
    return bool(may_set_nice(HIGH_NICE, _capabilities(root), _limit("RLIMIT_NICE")))


def _capabilities(root: Path) -> int:
    try:
        return int(kernel.fields(root / "proc/self/status").get("CapEff", ""), 16)
    except ValueError:
        return 0


def _limit(name: str) -> tuple[int, int] | None:
    """Soft and hard limit of this process; null where the system has no such limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    which = getattr(resource, name, None)
    return None if which is None else resource.getrlimit(which)


def _soft_limit(name: str) -> int | None:
    limit = _limit(name)
    return None if limit is None or limit[0] < 0 or limit[0] >= 1 << 62 else limit[0]


def _may_pin() -> bool | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        os.sched_setaffinity(0, os.sched_getaffinity(0))  # to what it is already
    except OSError:
        return False
    return True


def _may_read_rapl(root: Path) -> bool | None:
    # The counters have been readable by root alone since Linux 5.10 (CVE-2020-8694).
    counters = list((root / "sys/class/powercap").glob("intel-rapl:*/energy_uj"))
    if not counters:
        return None
    return all(os.access(counter, os.R_OK) for counter in counters)


def _shared_memory(root: Path) -> tuple[int | None, int | None]:
    if not hasattr(os, "statvfs"):
        return None, None
    try:
        found = os.statvfs(root / "dev/shm")
    except OSError:
        return None, None
    return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
