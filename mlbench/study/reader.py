"""Reads a study directory, while it is made and after; executes and imports nothing from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from mlbench.analysis.record import ENDED
from mlbench.errors import NotARunError
from mlbench.store.layout import read_json
from mlbench.store.process import is_running
from mlbench.study.layout import FORMAT, STUDY, RunEntry, StudyManifest, is_study

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
        if not is_study(self.path):
            raise NotARunError(f"{self.path} holds no study: there is no {STUDY} in it")
        data = read_json(self.path / STUDY)
        if data is None:
            raise NotARunError(f"{self.path / STUDY} is no JSON object")
        if isinstance(data.get("format"), int) and data["format"] > FORMAT:
            raise NotARunError(
                f"{self.path} has format {data['format']}, this mlbench reads up to {FORMAT}: "
                "pip install --upgrade mlbench"
            )
        try:
            return StudyManifest.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = [".".join(str(part) for part in first["loc"])] if first["loc"] else []
            told = first["msg"].removeprefix("Value error, ")
            raise NotARunError(": ".join([str(self.path / STUDY), *where, told])) from None

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
