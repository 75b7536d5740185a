"""What an argument means: a path, ``last``, or any piece of the name of a directory in runs/."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlbench.errors import NotARunError, nearest
from mlbench.store.kind import is_run, is_study, is_sweep

if TYPE_CHECKING:
    from mlbench.run import Run
    from mlbench.study.study import Study

__all__ = ["LAST", "RUNS", "find_run", "find_source", "located"]

RUNS = Path("runs")

LAST = "last"

MOST_NAMES = 8
"""Names that a message lists."""

STAMP = re.compile(r"\d{8}-\d{6}-")
"""What the name of a directory begins with that `mlbench.launch.new_directory` made."""


def located(argument: str, runs: Path = RUNS, wanted: str = "run") -> Path:
    """The path of a run, a study or a sweep, or of whatever else stands where it leads.

    Parameters
    ----------
    argument
        A path; ``last``, the newest in ``runs``; or a piece of a name there that no other
        has, such as its last four characters. What stands inside may follow, behind a slash.
    wanted
        What it should be, for the message that there is none.

    Raises
    ------
    NotARunError
        If there is none, or there are several; the message names them, or the nearest.
    """
    path = Path(argument)
    if os.path.exists(path):  # false, and no error, of one that is too long or shut
        return path
    inside = path.parent != Path()
    parent = located(str(path.parent), runs, wanted) if inside else runs
    if os.path.exists(parent / path.name):
        return parent / path.name
    return _named(path.name, parent, wanted)


def find_source(argument: str, doing: str) -> Run | Study:
    """The run or the study that an argument means.

    Parameters
    ----------
    doing
        What the command does with it, for the message about a sweep: ``draws``.

    Raises
    ------
    NotARunError
        If there is none, or it cannot be read; the message says what there is, and what to type.
    """
    path = located(argument)
    if is_sweep(path):
        raise NotARunError(_of_sweep(path, doing))
    if not is_study(path):
        return find_run(argument)
    from mlbench.study.study import open_study

    return open_study(path)


def find_run(argument: str) -> Run:
    """The run that an argument means.

    Raises
    ------
    NotARunError
        If there is none, or it cannot be read; the message says what there is, and what to type.
    """
    path = located(argument)
    if not is_run(path):
        raise NotARunError(_no_run(path))
    from mlbench.run import open_run

    return open_run(path)


# -- by name -----------------------------------------------------------------------------


def _named(name: str, parent: Path, wanted: str) -> Path:
    """The directory of that name, or of which it is a piece, in a directory."""
    known = _newest_first(parent)
    if name == LAST and known:
        return known[0]
    for found in (
        [path for path in known if path.name.endswith(name)],
        [path for path in known if name in path.name],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise NotARunError(_several(name, found))
    command = "mlbench runs" if parent == RUNS else f"mlbench runs {parent}"
    hint = nearest(name, (path.name for path in known), command)
    where = f" in {parent}" if parent.is_dir() else f", and no directory {parent}"
    told = f"there is no {wanted} {name}{where}"
    raise NotARunError(f"{told} ({hint})" if hint else told)


def _newest_first(parent: Path) -> list[Path]:
    """The runs, studies and sweeps in a directory."""
    if not parent.is_dir():
        return []
    try:
        paths = list(parent.iterdir())
    except OSError as error:
        raise NotARunError(f"{parent} cannot be read: {error.strerror}") from None
    found = [path for path in paths if is_run(path) or is_study(path) or is_sweep(path)]
    return sorted(found, key=_stamp, reverse=True)


def _stamp(path: Path) -> tuple[str, str]:
    """When it was begun: its name says it, else the time of its directory."""
    if STAMP.match(path.name):
        return path.name[:15], path.name
    return time.strftime("%Y%m%d-%H%M%S", time.localtime(path.lstat().st_mtime)), path.name


def _several(name: str, found: Sequence[Path]) -> str:
    more = f"\nand {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
    listed = "\n".join(path.name for path in found[:MOST_NAMES])
    return f"{name} is a piece of several names: type more of one of them\n{listed}{more}"


# -- what there is instead ---------------------------------------------------------------


def _no_run(path: Path) -> str:
    """What stands there, and what to type."""
    if is_study(path):
        return f"{path} is a study: mlbench show {path} shows it, and its runs are in blocks/"
    if is_sweep(path):
        return f"{path} is a sweep: mlbench show {path} shows it, and its points have the runs"
    if path.is_file():
        return _of_file(path)
    if _newest_first(path):
        return (
            f"{path} is a folder of runs: `mlbench runs {path}` lists them, and "
            f"`mlbench show {path / LAST}` shows the newest"
        )
    return f"{path} holds no run: `mlbench runs` lists those in {RUNS}"


def _of_file(path: Path) -> str:
    from mlbench.errors import SpecError
    from mlbench.spec.document import Document

    try:
        keys = Document.read(path).data.keys()
    except SpecError:
        return f"{path} is a file, and a run is a directory: `mlbench runs` lists those in {RUNS}"
    if "pipelines" in keys:
        return (
            f"{path} is a spec: `mlbench run {path}` executes it, `mlbench check {path}` draws it"
        )
    if keys & {"notebook", "spec"}:
        return f"{path} is the plan of a sweep: `mlbench sweep {path}` executes it"
    return f"{path} is a file, and a run is a directory: `mlbench runs` lists those in {RUNS}"


def _of_sweep(path: Path, doing: str) -> str:
    from mlbench.sweep.layout import RESULTS

    return (
        f"{path} is a sweep, and this command {doing} a run or a study: one of its points is in "
        f"{path}/points/ID/runs\n"
        f"figure of all points: mb.figures.sweep(mb.sweep_results({str(path)!r}), x=..., y=...)\n"
        f"table of all points: `mlbench show {path}`, and {path / RESULTS} has every column"
    )
