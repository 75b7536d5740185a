"""Reads a study directory, while it is made and after; executes and imports nothing from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlbench.analysis.record import ENDED
from mlbench.errors import NotARunError
from mlbench.store.document import read_document
from mlbench.store.kind import STUDY
from mlbench.store.process import is_running
from mlbench.study.layout import FORMAT, RunEntry, StudyManifest

__all__ = ["StudyReader", "counted"]


@dataclass(frozen=True)
class StudyReader:
    """A study directory.

    Parameters
    ----------
    path
        The directory.

    Raises
    ------
    NotARunError
        From every method, if what it needs is missing, damaged, or of a later format.
    """

    path: Path

    def manifest(self) -> StudyManifest:
        """What ``study.json`` says now."""
        return read_document(self.path / STUDY, "study", FORMAT, StudyManifest.model_validate)

    def status(self, manifest: StudyManifest) -> str:
        """``going``, ``done``, ``stopped``, ``failed``, or ``aborted``: its process is gone."""
        process = manifest.process
        if manifest.status != "going" or process is None:
            return manifest.status
        return "aborted" if is_running(process.model_dump()) is False else "going"

    def run_path(self, entry: RunEntry) -> Path:
        """Where a run stands: below this directory, and no link leads there."""
        path = self.path
        for part in PurePosixPath(entry.directory).parts:
            path = path / part
            if path.is_symlink():
                raise NotARunError(f"{path} is a link: a study is read from one directory only")
        return path


def counted(manifest: StudyManifest) -> Mapping[tuple[int, str], RunEntry]:
    """The run of each block and treatment that counts, of those that have ended.

    The last attempt that is VALID; where none is, the last.
    """
    found: dict[tuple[int, str], RunEntry] = {}
    for entry in sorted(manifest.runs, key=lambda entry: entry.attempt):
        place = (entry.block, entry.treatment)
        before = found.get(place)
        if entry.status in ENDED and (before is None or _is_better(entry, before)):
            found[place] = entry
    return found


def _is_better(entry: RunEntry, before: RunEntry) -> bool:
    return entry.verdict == "VALID" or before.verdict != "VALID"
