"""What a directory holds: a run, a study or a sweep, told by the file that each begins with."""

from __future__ import annotations

import stat
from pathlib import Path

from mlbench.store.layout import REQUEST

__all__ = ["PLAN", "STUDY", "is_run", "is_study", "is_sweep", "opener_of"]

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


def opener_of(path: Path) -> str | None:
    """What a directory that holds no run is, and what opens it in Python; null for neither.

    Examples
    --------
    >>> opener_of(Path("tests/recorded/chain")) is None
    True
    """
    if is_study(path):
        return f"a study: mb.open_study({str(path)!r}) opens it"
    if is_sweep(path):
        return (
            f"a sweep: mb.open_sweep({str(path)!r}) opens it, and mb.sweep_results({str(path)!r}) "
            "is the table of its points"
        )
    return None


def _has(path: Path, name: str) -> bool:
    try:
        return stat.S_ISREG((path / name).lstat().st_mode)
    except OSError:  # it is not there, or not shown to this user
        return False
