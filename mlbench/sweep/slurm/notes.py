"""What those who look at a sweep are told of jobs that wait in Slurm's queue."""

from __future__ import annotations

from pathlib import Path

from mlbench.sweep.layout import block_note
from mlbench.sweep.slurm.ledger import Entry

__all__ = ["tell"]

_START = "waiting in Slurm's queue"


def tell(sweep: Path, entry: Entry) -> None:
    """Write down that a job waits, and why; a note of before goes away with its waiting.

    A block that has begun writes notes of its own, which are left alone.
    """
    path = block_note(sweep, entry.block)
    if entry.job.state == "pending":
        why = f" ({entry.job.reason})" if entry.job.reason else ""
        path.write_text(f"{_START}: job {entry.job.id}{why}", encoding="utf-8")
    elif _says(path).startswith(_START):
        path.unlink(missing_ok=True)


def _says(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
