"""What the points of a plan execute: a notebook or a spec, checked with their parameters."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mlbench.sweep.plan import Plan

__all__ = ["MOST_TOLD", "Target", "Values", "see_modules_beside", "target_of"]

Values = Mapping[str, Any]
"""Parameters of a point, by name; Any: plain data."""

MOST_TOLD = 20
"""Mistakes that are told at once."""


class Target(Protocol):
    """A notebook or a spec.

    Parameters
    ----------
    folder
        Where it is executed.
    """

    folder: Path

    def check(self, combinations: Sequence[Values]) -> None:
        """Refuse parameters that it does not take.

        Raises
        ------
        SpecError
            With every mistake.
        """

    def source(self) -> str:
        """Hash of what is kept with the sweep, and executed, 16 hex digits."""

    def hash_of(self, combination: int) -> str:
        """The same, of a spec with the parameters of that combination; after `check`."""

    def code(self) -> dict[str, str]:
        """SHA-256 of the modules that it names, by name."""

    def seed_of(self, repeat: int, combination: int) -> int:
        """The seed of a point; after `check`."""


def target_of(plan: Plan) -> Target:
    """What the plan names.

    Raises
    ------
    SpecError
        If its file cannot be read.
    """
    if plan.notebook is not None:
        from mlbench.sweep.notebook_target import NotebookTarget

        return NotebookTarget(plan)
    from mlbench.sweep.spec_target import SpecTarget

    return SpecTarget(plan)


def see_modules_beside(path: Path) -> None:
    """Let modules be found that stand beside a file, or where the process was started."""
    for folder in (str(path.resolve().parent), os.getcwd()):
        if folder not in sys.path:
            sys.path.append(folder)
