"""The identity of a process, so that a reader can tell whether a run's engine still lives."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["is_running", "process_identity"]


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
