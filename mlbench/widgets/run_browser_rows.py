"""The rows of a run browser: what is in a directory, read again only where it changed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlbench.analysis.record import ENDED
from mlbench.errors import MlbenchError
from mlbench.run import open_run
from mlbench.store.kind import STUDY, is_study
from mlbench.store.layout import MANIFEST
from mlbench.study.listing import Entry, entry_of, folders_of
from mlbench.study.reader import StudyReader

__all__ = ["Row", "Rows"]

Row = dict[str, Any]
"""A run or a study in plain data; Any: JSON.

The fields of `mlbench.study.listing.Entry`, ``kind`` (``run`` or ``study``), ``going``, and
how far one has come that is going: ``progress`` from 0 to 1 (null where nobody knows) and
``told``, the same in words.
"""

Stamp = tuple[float, float]


@dataclass
class Rows:
    """The rows of a directory; `read` brings them up to date.

    Parameters
    ----------
    directory
        Where the runs are; it may not be there yet.
    """

    directory: Path
    _known: dict[Path, tuple[Stamp, Entry]] = field(default_factory=dict)

    def read(self) -> list[Row]:
        """The rows, newest first. What has ended and has not changed is not read again."""
        folders = folders_of(self.directory) if self.directory.is_dir() else []
        known = {path: self._entry(path) for path in folders}
        self._known = {path: self._known[path] for path in folders}
        rows = [_row(path, entry) for path, entry in known.items()]
        return sorted(rows, key=lambda row: (row["started"] or 0.0, row["id"]), reverse=True)

    def _entry(self, path: Path) -> Entry:
        stamp = _stamp(path)
        known = self._known.get(path)
        if known is None or known[0] != stamp or known[1].status not in ENDED:
            known = (stamp, entry_of(path))
            self._known[path] = known
        return known[1]


def _stamp(path: Path) -> Stamp:
    """When its manifest and it itself last changed."""
    times = []
    for each in (path, path / (STUDY if is_study(path) else MANIFEST)):
        try:
            times.append(each.lstat().st_mtime)
        except OSError:  # it is not there yet, or no more
            times.append(0.0)
    return times[0], times[1]


def _row(path: Path, entry: Entry) -> Row:
    study = is_study(path)
    going = entry.problem is None and entry.status not in ENDED
    share, told = _progress(path, study) if going else (None, "")
    row = entry.to_dict() | {"kind": "study" if study else "run", "going": going}
    return row | {"progress": share, "told": told}


def _progress(path: Path, study: bool) -> tuple[float | None, str]:
    """How far a run or a study has come; nothing is known of one that cannot be read just now."""
    try:
        return _of_study(path) if study else _of_run(path)
    except MlbenchError:  # it is being written: the next look has it
        return None, ""


def _of_study(path: Path) -> tuple[float | None, str]:
    runs = StudyReader(path).manifest().runs
    ended = sum(1 for run in runs if run.status in ENDED)
    return (ended / len(runs) if runs else None), f"{ended} of {len(runs)} runs"


def _of_run(path: Path) -> tuple[float | None, str]:
    run = open_run(path)
    barrier_ns = run.manifest.get("barrier_ns")
    if barrier_ns is None:
        return None, ""
    seconds = max(0.0, (time.monotonic_ns() - barrier_ns) / 1e9)
    stops = run.bench.stop_rules(run.request.names).values()
    limits = [stop.seconds for stop in stops if stop is not None and stop.seconds is not None]
    if not limits:
        return None, f"{seconds:.0f} s"
    limit = max(limits)
    return min(1.0, seconds / limit), f"{min(seconds, limit):.0f} of {limit:.0f} s"
