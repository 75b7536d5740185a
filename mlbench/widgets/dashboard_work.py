"""What a dashboard follows: a run, or a study that a process of its own makes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlbench.analysis.record import ENDED
from mlbench.errors import EngineError, NotARunError, SpecError
from mlbench.run import Run, open_run
from mlbench.spec import Benchmark
from mlbench.store.kind import is_study
from mlbench.store.layout import GOING
from mlbench.study.study import Study, open_study

__all__ = ["RunWork", "StudyWork", "Work", "going_work", "start_study"]

LATEST = 20
"""Directories that are looked through for one that is still going: names begin with a date."""

LOG = "log"

MAX_TOLD = 2000
"""Characters of what a process said before it failed."""


class Work(Protocol):
    """Something that goes on in other processes, until it ends."""

    @property
    def is_going(self) -> bool:
        """Whether it has not ended."""

    def progress(self) -> str:
        """How far it is, in a few words."""

    def sources(self) -> Sequence[Run | Study]:
        """What there is to look at so far."""

    def stop(self) -> None:
        """Ask it to end; what it has measured stays."""

    def failure(self) -> str:
        """What it said, if it ended without anything to look at."""


@dataclass(frozen=True)
class RunWork:
    """One run."""

    run: Run

    @property
    def is_going(self) -> bool:
        """Whether its engine is at work."""
        return self.run.is_going

    def progress(self) -> str:
        """Its status."""
        return self.run.status

    def sources(self) -> Sequence[Run | Study]:
        """It alone."""
        return [self.run]

    def stop(self) -> None:
        """Ask it to end."""
        self.run.stop()

    def failure(self) -> str:
        """What the engine said, if it died."""
        return self.run.engine_log()[-MAX_TOLD:] if self.run.status == "aborted" else ""


@dataclass
class StudyWork:
    """A study, or one for each placement, and the process that makes them.

    Parameters
    ----------
    place
        The directory of the study, or of all of them; null until the process has said it.
    process
        Where it was started here.
    folder
        Its spec and what it says; removed when it has ended.
    """

    place: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    folder: Path | None = None
    _said: str = ""
    _found: Sequence[Study] = ()

    @property
    def is_going(self) -> bool:
        """Whether runs are still being made."""
        if self.process is None:
            return any(study.is_going for study in self.sources())
        if self.process.poll() is None:
            return True
        self._tidy()
        return False

    def progress(self) -> str:
        """How many of the runs are made."""
        entries = [entry for study in self.sources() for entry in study.manifest.runs]
        if not entries:
            return "starting"
        ended = sum(entry.status in ENDED for entry in entries)
        return f"{ended} of {len(entries)} runs"

    def sources(self) -> Sequence[Study]:
        """The studies, as soon as they are there."""
        if self.place is None:
            self.place = self._told_place()
        if self.place is not None and not self._found:
            self._found = [open_study(path) for path in _studies(self.place)]
        return self._found

    def stop(self) -> None:
        """Have it end as Ctrl-C would: the study can be resumed.

        By SIGTERM, because a process that a kernel starts between two cells ignores SIGINT, as
        the kernel does then.
        """
        processes = (study.manifest.process for study in self.sources())
        made_by = (process.pid for process in processes if process is not None)
        pid = next(made_by, None) if self.process is None else self.process.pid
        if pid is not None and self.is_going:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def failure(self) -> str:
        """What the process said, if it made no study."""
        return "" if self.sources() else self._said

    def _told_place(self) -> Path | None:
        """The directory that the process names in its first line."""
        if self.folder is None:
            return None
        line, end, _ = (self.folder / LOG).read_text(errors="replace").partition("\n")
        return Path(line) if end and Path(line).is_dir() else None

    def _tidy(self) -> None:
        if self.folder is not None:
            self.sources()
            self._said = (self.folder / LOG).read_text(errors="replace")[-MAX_TOLD:]
            shutil.rmtree(self.folder)
            self.folder = None


def start_study(bench: Benchmark, out: str | os.PathLike[str]) -> StudyWork:
    """Start ``mlbench collocate`` on a benchmark, in a process that outlives this one.

    Raises
    ------
    SpecError
        If the benchmark cannot be studied here, with every problem.
    EngineError
        If it has stages that only this process knows.
    """
    from mlbench.collocation.mistakes import mistakes
    from mlbench.spec.request import local_stages

    if local := local_stages(bench):
        raise EngineError(
            f"{', '.join(local)}: defined in this notebook, where no other process finds it; "
            "put it into a module, or call mb.collocate(bench) in a cell"
        )
    if found := mistakes(bench):
        raise SpecError(found)
    folder = Path(tempfile.mkdtemp(prefix="mlbench-study-"))
    (folder / "spec.yml").write_text(bench.to_yaml(), encoding="utf-8")
    command = [sys.executable, "-m", "mlbench", "collocate", str(folder / "spec.yml")]
    command += ["--out", str(Path(out).resolve())]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  (this Python, this package)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=_environment(),
            start_new_session=True,  # the notebook's interrupt and end do not reach it
        )
    return StudyWork(process=process, folder=folder)


def _environment() -> dict[str, str]:
    """That of the kernel, with its import path, and without the colours that it asks for."""
    kept = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**kept, "PYTHONPATH": path, "NO_COLOR": "1"}


def going_work(out: str | os.PathLike[str], name: str) -> Work | None:
    """The latest run or study of the benchmark ``name`` that goes on below ``out``, if one does.

    Not a run whose engine has yet to say that it is there: it may have died before.
    """
    place = Path(out)
    paths = sorted(place.iterdir(), reverse=True)[:LATEST] if place.is_dir() else []
    for path in paths:
        with suppress(NotARunError):
            found: Run | Study = open_study(path) if is_study(path) else open_run(path)
            if found.bench.name == name and found.status in GOING | {"going"}:
                return RunWork(found) if isinstance(found, Run) else StudyWork(path)
    return None


def _studies(place: Path) -> list[Path]:
    """The study in a directory, or one in each of its folders, as placements have it."""
    return [place] if is_study(place) else sorted(filter(is_study, place.iterdir()))
