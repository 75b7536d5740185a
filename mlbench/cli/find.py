"""The run that an argument means: a path, or the id of one under ``runs/``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlbench.errors import NotARunError, nearest

if TYPE_CHECKING:
    from mlbench.run import Run
    from mlbench.study.study import Study

__all__ = ["find_run", "find_study"]


def find_study(argument: str, runs: Path = Path("runs")) -> Study | None:
    """The study at that path, or of that id; null if there is none."""
    from mlbench.store.kind import is_study

    path = next((each for each in (Path(argument), runs / argument) if is_study(each)), None)
    if path is None:
        return None
    from mlbench.study.study import open_study

    return open_study(path)


def find_run(argument: str, runs: Path = Path("runs")) -> Run:
    """The run at that path, or of that id.

    Raises
    ------
    NotARunError
        If there is none; the message names the nearest, or it cannot be read.
    """
    from mlbench.run import open_run

    path = Path(argument)
    if not path.exists() and (runs / argument).is_dir():
        path = runs / argument
    if not path.exists():
        near = [entry.name for entry in runs.iterdir()] if runs.is_dir() else []
        hint = nearest(path.name, near)
        raise NotARunError(f"there is no run {argument}" + (f" ({hint})" if hint else ""))
    return open_run(path)
