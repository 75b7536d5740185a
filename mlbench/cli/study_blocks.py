"""What is known of a study's verdict from its ``study.json`` alone: its runs are not read."""

from __future__ import annotations

from pathlib import Path

from mlbench.errors import NotARunError
from mlbench.store.kind import is_study
from mlbench.study.layout import StudyManifest
from mlbench.study.reader import StudyReader, counted

__all__ = ["blocks_of"]


def blocks_of(path: Path) -> str | None:
    """``4 of 5 blocks VALID``, those in which every run is; null for what is no study."""
    if not is_study(path):
        return None
    try:
        manifest = StudyReader(path).manifest()
    except NotARunError:  # somebody deletes it meanwhile
        return None
    return f"{_whole(manifest)} of {manifest.repeats} blocks VALID"


def _whole(manifest: StudyManifest) -> int:
    wanted = [each.name for each in manifest.treatments if each.role != "capacity"]
    valid = {place for place, run in counted(manifest).items() if run.verdict == "VALID"}
    blocks = {block for block, _ in valid}
    return sum(all((block, name) in valid for name in wanted) for block in blocks)
