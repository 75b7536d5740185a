"""The sweeps of a directory, as rows of the list in which its runs and studies are."""

from __future__ import annotations

import time
from pathlib import Path

from mlbench.errors import MlbenchError, NotARunError
from mlbench.store.kind import is_sweep
from mlbench.study import listing
from mlbench.study.listing import Entry, newest_first
from mlbench.sweep.opened import open_sweep

__all__ = ["entries", "points_of"]


def entries(directory: Path) -> list[Entry]:
    """The runs, studies and sweeps in a directory, newest first.

    Raises
    ------
    NotARunError
        If there is no such directory, or it is a run, a study or a sweep itself.
    """
    if is_sweep(directory):
        raise NotARunError(f"{directory} is a sweep itself: mlbench show {directory}")
    found = listing.entries(directory)
    paths = (path for path in directory.iterdir() if path.name[0] != "." and is_sweep(path))
    return newest_first([*found, *map(_entry, paths)])


def points_of(path: Path) -> str | None:
    """``4 of 6 points done``; null for what is no sweep."""
    if not is_sweep(path):
        return None
    try:
        counts = open_sweep(path).counts()
    except NotARunError:  # somebody deletes it meanwhile
        return None
    return f"{counts['done']} of {sum(counts.values())} points done"


def _entry(path: Path) -> Entry:
    """One sweep of a list, by its plan and the states of its points; no run is read."""
    try:
        return _readable(path)
    except MlbenchError as error:
        problem = str(error).removeprefix(f"{path} ")
        return Entry(path.name, str(path), problem=problem, kind="sweep")


def _readable(path: Path) -> Entry:
    sweep = open_sweep(path)
    status, created = sweep.status, sweep.manifest.created
    ends = (state.ended for state in sweep.states().values() if state.ended is not None)
    ended = time.time() if status == "going" else max(ends, default=None)
    return Entry(
        id=path.name,
        path=str(path),
        name=sweep.manifest.title,
        status=status,
        started=created,
        seconds=None if ended is None else max(0.0, ended - created),
        kind="sweep",
    )
