"""A sweep, seen from outside: the same object while it goes on and ten years later."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from mlbench.store.layout import read_json
from mlbench.sweep.layout import SweepManifest, block_lock, read_plan
from mlbench.sweep.state import (
    RUNNING,
    STATUSES,
    PointState,
    is_finished,
    lives,
    states,
    unfinished,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sweep", "open_sweep"]


class Sweep:
    """The directory of a sweep with what its points say.

    Everything but the plan is read from the directory at each call.

    Parameters
    ----------
    path
        The directory.

    Raises
    ------
    NotARunError
        If there is no sweep, or it cannot be read.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.manifest  # noqa: B018  (says at once if there is none)

    def __repr__(self) -> str:
        return f"Sweep({str(self.path)!r}, status={self.status!r})"

    @property
    def id(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name

    @cached_property
    def manifest(self) -> SweepManifest:
        """What ``plan.json`` says; it never changes."""
        return read_plan(self.path)

    def states(self) -> dict[str, PointState]:
        """How each point stands, by id, in the order of the plan."""
        return states(self.path, [point.id for point in self.manifest.points])

    def counts(self) -> dict[str, int]:
        """How many points have each status; all of `mlbench.sweep.state.STATUSES`."""
        found = Counter(state.status for state in self.states().values())
        return {status: found[status] for status in STATUSES}

    @property
    def left(self) -> int:
        """How many points are still to be executed, or executed again."""
        attempts = self.manifest.plan.contamination.attempts
        return sum(not is_finished(state, attempts) for state in self.states().values())

    @property
    def status(self) -> str:
        """``done`` (every point is finished), ``going``, or ``stopped``: some are left."""
        found = self.states()
        blocks = unfinished(self.manifest, found)
        if not blocks:
            return "done"
        running = any(state.status == RUNNING for state in found.values())
        return "going" if running or any(map(self._is_executed, blocks)) else "stopped"

    def _is_executed(self, block: str) -> bool:
        """Whether a process of this machine has the block, though no point runs: it waits."""
        process = read_json(block_lock(self.path, block))
        return bool(process) and lives(process or {}) is True

    def results(self) -> pd.DataFrame:
        """One tidy table of all points; see `mlbench.sweep.results`."""
        from mlbench.sweep.table import results

        return results(self.path)

    def summary(self) -> dict[str, object]:
        """What ``mlbench sweep --json`` prints, as plain data.

        Returns
        -------
        dict
            ``sweep``, ``title``, ``kind``, ``status``, ``verdict`` and ``reasons`` (VALID if
            every point is done and what it measured is: of a study, what the study says),
            ``notes`` (runs that are left out of studies that are VALID without them), ``relaxed``
            (thresholds of the studies), ``points`` (how many of each status), ``blocks``,
            ``skipped``, ``failures`` (of points that failed or timed out: ``point``, ``status``,
            ``error``), ``columns`` (``parameters`` and ``recorded``: by name, the column of the
            table), ``rows`` (of the table: ``point``, ``repeat``, ``status``, ``treatment``,
            ``role``, ``pipeline``, ``verdict``, ``reasons``, ``relaxed``, ``left_out``,
            ``needed_repeats``, ``parameters``, the main ``metrics``, ``recorded``), ``results``
            (the file of the table), ``next`` (what to type to have points executed again).
        """
        from mlbench.sweep.summing import summary

        return summary(self)


def open_sweep(path: str | PathLike[str]) -> Sweep:
    """The sweep of a directory.

    Raises
    ------
    NotARunError
        If there is none, or it cannot be read.
    """
    return Sweep(path)
