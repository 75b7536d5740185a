"""The file system that run directories are written to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlbench.machine import kernel
from mlbench.machine.missing import explained

__all__ = ["Disk", "read_disk"]


@dataclass(frozen=True)
class Disk:
    """A file system: its type, and what is free of it in bytes.

    Parameters
    ----------
    filesystem
        As the kernel names it: ``ext4``, ``tmpfs``, ``nfs4``.
    free_bytes, total_bytes
        For this user.
    reasons
        Why a field is null, by its name.
    """

    filesystem: str | None = None
    free_bytes: int | None = None
    total_bytes: int | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


REASONS = {
    "filesystem": "the kernel lists no mount point for it",
    "free_bytes": "the file system does not say",
    "total_bytes": "the file system does not say",
}


def read_disk(directory: Path, root: Path = Path("/")) -> Disk:
    """The file system that ``directory`` is on, or will be once it is made."""
    whole = directory.absolute()
    existing = next(path for path in (whole, *whole.parents) if path.exists()).resolve()
    filesystem = _filesystem(existing, kernel.text(root / "proc/self/mountinfo") or "")
    try:
        usage = shutil.disk_usage(existing)
        disk = Disk(filesystem, usage.free, usage.total)
    except OSError:
        disk = Disk(filesystem)
    return explained(disk, REASONS)


def _filesystem(path: Path, mounts: str) -> str | None:
    """The type of the mount point nearest above ``path``; of two at one place the later."""
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(_unescaped(before.split(" ")[4]))
        if point in (path, *path.parents) and (best is None or len(point.parts) >= best[0]):
            best = (len(point.parts), after.split(" ")[0])
    return best[1] if best else None


def _unescaped(text: str) -> str:
    r"""Mount points have their spaces written as ``\040``."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
