"""What a directory holds: a run, a study or a sweep, told by the file that each begins with."""

from __future__ import annotations

import stat
from pathlib import Path

from mlbench.store.layout import REQUEST

__all__ = ["PLAN", "STUDY", "is_run", "is_study", "is_sweep"]

STUDY = "study.json"
PLAN = "plan.json"


def is_run(path: Path) -> bool:
    """Whether a directory holds a run."""
    return _has(path, REQUEST)


def is_study(path: Path) -> bool:
    """Whether a directory holds a study."""
    return _has(path, STUDY)


def is_sweep(path: Path) -> bool:
    """Whether a directory holds a sweep."""
    return _has(path, PLAN)


def _has(path: Path, name: str) -> bool:
    try:
        return stat.S_ISREG((path / name).lstat().st_mode)
    except OSError:  # it is not there, or not shown to this user
        return False
