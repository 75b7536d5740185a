"""The jobs of a sweep, written down where the next who follows it finds them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlbench.errors import OutputError
from mlbench.store.layout import read_json, write_json
from mlbench.sweep.slurm.job import Job
from mlbench.sweep.slurm.options import FOLDER

__all__ = ["Entry", "Ledger"]

NAME = "jobs.json"


@dataclass(frozen=True)
class Entry:
    """A job of a block, as it last stood.

    Parameters
    ----------
    block
        Which.
    job
        The job; its state is the last that was seen.
    submitted_s
        When it was submitted, in seconds since the epoch.
    """

    block: str
    job: Job
    submitted_s: float


class Ledger:
    """All jobs that a sweep ever had, in the order in which they were submitted.

    Parameters
    ----------
    sweep
        Its directory.
    """

    def __init__(self, sweep: Path) -> None:
        self._path = sweep / FOLDER / NAME
        self._entries = {entry.job.id: entry for entry in _read(self._path)}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them."""
        return tuple(self._entries.values())

    @property
    def going(self) -> dict[str, Entry]:
        """Those that were last seen waiting or running, by the number of the job."""
        return {key: entry for key, entry in self._entries.items() if not entry.job.has_ended}

    def add(self, block: str, job: Job) -> Entry:
        """Note a job down that was submitted now.

        Raises
        ------
        OutputError
            If the disk does not take it.
        """
        entry = self._entries[job.id] = Entry(block, job, time.time())
        self._write()
        return entry

    def update(self, jobs: Iterable[Job]) -> list[Entry]:
        """Note how jobs stand; returns the entries that changed.

        Raises
        ------
        OutputError
            If the disk does not take it.
        """
        changed = [
            replace(self._entries[job.id], job=job)
            for job in jobs
            if self._entries[job.id].job != job
        ]
        if changed:
            self._entries.update((entry.job.id, entry) for entry in changed)
            self._write()
        return changed

    def _write(self) -> None:
        jobs = [_row(entry) for entry in self._entries.values()]
        try:
            self._path.parent.mkdir(exist_ok=True)
            write_json(self._path, {"jobs": jobs})
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from None


def _row(entry: Entry) -> dict[str, Any]:  # Any: JSON
    return {"block": entry.block, "submitted_s": entry.submitted_s, **asdict(entry.job)}


def _read(path: Path) -> Iterable[Entry]:
    """The entries of a file; those that are not as they were written are left out."""
    rows = (read_json(path) or {}).get("jobs")
    for row in rows if isinstance(rows, list) else ():
        try:
            fields = dict(row)
            block, submitted_s = str(fields.pop("block")), float(fields.pop("submitted_s"))
            yield Entry(block, Job(**fields), submitted_s)
        except (KeyError, TypeError, ValueError):
            continue
