"""The limits that a control group sets, of version 1, 2 or both: containers and batch jobs.

A limit holds for everything below the group that sets it, so each one is looked for from
the process's own group up to the mount point, and the tightest counts. Inside a container
the path that ``/proc`` names often lies outside of what is mounted; the mount point itself
then is the container's group.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mlbench.machine import kernel

__all__ = ["cpu_quota", "memory_limit_bytes"]

UNLIMITED_BYTES = 1 << 60
"""Version 1 writes "no limit" as the largest page count, near 2**63."""


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Processors' worth of time that the group may use; null if it may use them all."""
    new = (_share_of(kernel.text(group / "cpu.max")) for group in _groups(root, ""))
    old = (_share_of(_version_1_quota(group)) for group in _groups(root, "cpu"))
    return min((share for share in (*new, *old) if share is not None), default=None)


def memory_limit_bytes(root: Path = Path("/")) -> int | None:
    """Memory that the group may use; null if there is no limit."""
    new = (kernel.number(group / "memory.max") for group in _groups(root, ""))
    old = (kernel.number(group / "memory.limit_in_bytes") for group in _groups(root, "memory"))
    limits = (limit for limit in (*new, *old) if limit is not None)
    return min((limit for limit in limits if limit < UNLIMITED_BYTES), default=None)


def _share_of(quota: str | None) -> float | None:
    """``"150000 100000"``, µs of time per µs of period, as 1.5; ``max`` and ``-1`` are none."""
    try:
        time_us, period_us = (int(part) for part in (quota or "").split())
    except ValueError:
        return None
    return time_us / period_us if time_us > 0 and period_us > 0 else None


def _version_1_quota(group: Path) -> str:
    time_us = kernel.text(group / "cpu.cfs_quota_us")
    return f"{time_us} {kernel.text(group / 'cpu.cfs_period_us')}"


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The process's group and those above it, below every mount point it may be under.

    ``controller`` is empty for version 2, which has one tree for all of them.
    """
    mounts = root / "sys/fs/cgroup"
    for line in (kernel.text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller not in controllers.split(","):
            continue
        inner = PurePosixPath(path.lstrip("/"))
        for mount in _mounts(mounts, controllers):
            yield from (mount / part for part in (inner, *inner.parents))


def _mounts(mounts: Path, controllers: str) -> tuple[Path, ...]:
    if not controllers:
        return mounts, mounts / "unified"
    return tuple(mounts / name for name in (controllers, *controllers.split(",")))
