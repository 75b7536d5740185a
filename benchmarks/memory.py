"""Peak memory of processes, as the kernel counts it for what runs in them now.

It is ``VmHWM`` and not ``ru_maxrss``: the latter includes what stood in the process before
``exec``, which is the memory of whoever started it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["MB", "add_peaks", "own_peak_bytes"]

MB = 1e6


def add_peaks(pid: int, found: dict[str, int]) -> None:
    """Raise ``found`` to the peaks so far of a process and all its descendants, in bytes.

    By the name that ``ps`` shows. A peak is gone with its process, so this is called again
    and again while the process lives; what it takes in its last moments is not seen.
    """
    folder = Path(f"/proc/{pid}")
    with suppress(OSError, KeyError):  # it has just ended
        fields = _status(folder)
        name = fields["Name"]
        found[name] = max(found.get(name, 0), _peak_bytes(fields))
        for children in folder.glob("task/*/children"):
            for child in children.read_text().split():
                add_peaks(int(child), found)


def own_peak_bytes() -> int:
    """The peak so far of this process."""
    return _peak_bytes(_status(Path("/proc/self")))


def _status(folder: Path) -> dict[str, str]:
    lines = (folder / "status").read_text().splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: value.strip() for name, _, value in pairs}


def _peak_bytes(fields: dict[str, str]) -> int:
    return int(fields["VmHWM"].split()[0]) * 1024
