"""Processes: which one is meant, so that a reader can tell whether it lives, and who is whose."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["children", "inheritors", "is_running", "process_identity"]


def process_identity(pid: int) -> dict[str, Any]:  # Any: JSON
    """Process id, start time in clock ticks after boot, and the id of the boot.

    All three together are never used again, a process id alone is.
    """
    started, boot = _start_ticks(pid), _boot_id()
    return {"pid": pid, "start_ticks": started, "boot_id": boot, "host": platform.node()}


def is_running(identity: Mapping[str, Any]) -> bool | None:
    """Whether that process lives; null where this machine cannot know."""
    boot = _boot_id()
    if boot is None:
        return None
    if identity.get("boot_id") != boot:  # before this machine's last start, or on another one
        return False if identity.get("host") in (None, platform.node()) else None
    pid = identity.get("pid")
    return isinstance(pid, int) and _start_ticks(pid) == identity.get("start_ticks") is not None


def inheritors(variable: str, value: str) -> list[int]:
    """Living processes that have inherited this value of a variable, this one not."""
    wanted = f"{variable}={value}".encode()
    found = ((pid, environment.split(b"\0")) for pid, environment in _everywhere("environ"))
    return [pid for pid, environment in found if wanted in environment and pid != os.getpid()]


def children() -> list[int]:
    """Living children of this process, which outlived parents of theirs where it forked none.

    A subreaper gets those that cleared their environment, a marker and all.
    """
    parent = str(os.getpid()).encode()
    found = ((pid, stat.rpartition(b")")[2].split()) for pid, stat in _everywhere("stat"))
    return [pid for pid, (state, ppid, *_) in found if ppid == parent and state not in b"ZX"]


def _everywhere(name: str) -> Iterator[tuple[int, bytes]]:
    """The file ``name`` in ``/proc`` of every process that lets this one read it."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it has just ended, or is not ours
                yield int(entry.name), (entry / name).read_bytes()


def _start_ticks(pid: int) -> int | None:
    """Field 22 of ``/proc/PID/stat``; null for one that is gone or waits to be reaped."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def _boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
