"""The memory of the machine, and what the control group allows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlbench.machine import kernel
from mlbench.machine.cgroup import memory_limit_bytes
from mlbench.machine.missing import explained

__all__ = ["Memory", "read_memory"]


@dataclass(frozen=True)
class Memory:
    """Main memory in bytes. What is null has its reason in ``reasons``.

    Parameters
    ----------
    total_bytes, available_bytes
        Of the machine: what it has, and what a new process can get without swapping.
    limit_bytes
        What the control group may use.
    swap_total_bytes, swap_free_bytes
        Of the machine.
    reasons
        Why a field is null, by its name.
    """

    total_bytes: int | None = None
    available_bytes: int | None = None
    limit_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


REASONS = {
    "total_bytes": "the kernel does not say MemTotal",
    "available_bytes": "the kernel does not say MemAvailable",
    "limit_bytes": "the control group sets no limit",
    "swap_total_bytes": "the kernel does not say SwapTotal",
    "swap_free_bytes": "the kernel does not say SwapFree",
}


def read_memory(root: Path = Path("/")) -> Memory:
    """The memory, as the kernel's files below ``root`` describe it."""
    lines = kernel.fields(root / "proc/meminfo")
    memory = Memory(
        total_bytes=_bytes_of(lines.get("MemTotal")),
        available_bytes=_bytes_of(lines.get("MemAvailable")),
        limit_bytes=memory_limit_bytes(root),
        swap_total_bytes=_bytes_of(lines.get("SwapTotal")),
        swap_free_bytes=_bytes_of(lines.get("SwapFree")),
    )
    return explained(memory, REASONS)


def _bytes_of(line: str | None) -> int | None:
    """``"2048 kB"`` in bytes; the kernel's kB are KiB."""
    digits = (line or "").split(" ")[0]
    return int(digits) * 1024 if digits.isdigit() else None
