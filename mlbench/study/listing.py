"""The runs of a directory, one row each, whatever state they are in."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlbench.analysis.moments import duration_s, started_s
from mlbench.analysis.record import ENDED
from mlbench.analysis.verdict import verdict
from mlbench.errors import MlbenchError, NotARunError
from mlbench.run import Run, open_run
from mlbench.store.kind import is_run, is_study, is_sweep
from mlbench.study.layout import StudyManifest
from mlbench.study.reader import StudyReader

__all__ = ["Entry", "entries", "entry_of", "folders_of", "newest_first"]

VERDICT_BYTES = 50_000_000
"""A run with larger tables is not read for a list."""


@dataclass(frozen=True)
class Entry:
    """One run of a list.

    Parameters
    ----------
    id, path
        Its name and where it is.
    status, name, pipelines, verdict
        As in the run; null where it cannot be read, the verdict also where the run goes on
        or its tables are large.
    started
        Wall clock, seconds since 1970; null before the engine has begun.
    seconds
        How long it took, or has taken so far; null where nobody wrote down its end.
    problem
        Why it cannot be read; null if it can.
    kind
        ``run``, ``study`` or ``sweep``.
    """

    id: str
    path: str
    name: str | None = None
    status: str | None = None
    started: float | None = None
    seconds: float | None = None
    pipelines: tuple[str, ...] = ()
    verdict: str | None = None
    problem: str | None = None
    kind: str = "run"

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """The entry as JSON data."""
        return {**asdict(self), "pipelines": list(self.pipelines)}


def entries(directory: Path) -> list[Entry]:
    """The runs and studies in a directory, newest first; hidden directories are left out.

    Raises
    ------
    NotARunError
        If there is no such directory, or it is a run itself.
    """
    return newest_first(entry_of(path) for path in folders_of(directory))


def newest_first(found: Iterable[Entry]) -> list[Entry]:
    """The same in the order of a list."""
    return sorted(found, key=lambda entry: (_when(entry), entry.id), reverse=True)


def folders_of(directory: Path) -> list[Path]:
    """The directories in a directory that may be runs or studies, in no order.

    Sweeps, which stand beside them, are listed by `mlbench.sweep.listing`.

    Raises
    ------
    NotARunError
        If there is no such directory, or it is a run itself.
    """
    if not directory.is_dir():
        raise NotARunError(f"there is no directory {directory}: `mlbench run SPEC` makes it")
    if is_run(directory):
        raise NotARunError(f"{directory} is a run itself: mlbench show {directory}")
    paths = (path for path in directory.iterdir() if path.is_dir() and path.name[0] != ".")
    return [path for path in paths if not is_sweep(path)]


def _when(entry: Entry) -> float:
    """When it started; where nobody knows, when its directory last changed; 0 once it is gone."""
    if entry.started:
        return entry.started
    try:
        return Path(entry.path).stat().st_mtime
    except OSError:  # somebody deletes it meanwhile
        return 0.0


def entry_of(path: Path) -> Entry:
    """One run or study of a list, whatever state it is in."""
    try:
        return _study(path) if is_study(path) else _readable(path, open_run(path))
    except MlbenchError as error:
        return Entry(path.name, str(path), problem=str(error).removeprefix(f"{path} "))
    except Exception as error:  # one damaged folder must not hide the others
        return Entry(path.name, str(path), problem=f"damaged: {type(error).__name__}: {error}")


def _readable(path: Path, run: Run) -> Entry:
    manifest, status = run.manifest, run.status
    return Entry(
        id=path.name,
        path=str(path),
        name=run.bench.name,
        status=status,
        started=started_s(manifest),
        seconds=duration_s(manifest, going=status not in ENDED),
        pipelines=run.request.names,
        verdict=_verdict(run) if status in ENDED else None,
    )


def _study(path: Path) -> Entry:
    """A study by what its ``study.json`` says; its runs are not read for a list."""
    reader = StudyReader(path)
    manifest = reader.manifest()
    status = reader.status(manifest)
    ended = time.time() if status not in ENDED else _last_end(reader, manifest)
    return Entry(
        id=path.name,
        path=str(path),
        name=manifest.spec.name,
        status=status,
        started=manifest.created,
        seconds=None if ended is None else max(0.0, ended - manifest.created),
        pipelines=tuple(manifest.spec.pipelines),
        kind="study",
    )


def _last_end(reader: StudyReader, manifest: StudyManifest) -> float | None:
    """When the last run of a study ended, by its last block; null where no run says so."""
    ended = [entry for entry in manifest.runs if entry.status in ENDED]
    last = max((entry.block for entry in ended), default=0)
    ends = [_end(reader.run_path(entry)) for entry in ended if entry.block == last]
    return max((each for each in ends if each is not None), default=None)


def _end(path: Path) -> float | None:
    """When a run ended, in seconds of the wall clock; null where it cannot be read."""
    try:
        manifest = open_run(path).manifest
    except NotARunError:
        return None
    started, seconds = started_s(manifest), duration_s(manifest, going=False)
    return None if started is None or seconds is None else started + seconds


def _verdict(run: Run) -> str | None:
    if sum(_table_sizes(run.path)) > VERDICT_BYTES:
        return None
    return str(verdict(run.record(spans=False)))


def _table_sizes(path: Path) -> Iterator[int]:
    for file in (*path.glob("*.arrow"), *path.glob("pipelines/*/*.arrow")):
        yield file.lstat().st_size
