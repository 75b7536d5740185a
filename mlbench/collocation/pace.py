"""How long the runs of a study take: what is left, from those that were made."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from mlbench.spec import Study
from mlbench.study.layout import Treatment

__all__ = ["Pace", "planned_s"]

OVERHEAD_S = 3.0
"""What a run takes besides its window and its cooldown and the setup of its stages."""


def planned_s(study: Study) -> float:
    """What a run of a study takes, without the setup of its stages."""
    return study.settle + study.seconds + study.cooldown + OVERHEAD_S


class Pace:
    """What each run took, with all that stands around it.

    A run takes what those of its treatment took, else those of its role; of a role without
    any, the longest of all: pipelines that run together set up at the same time.

    Parameters
    ----------
    study
        Whose runs they are.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._took: list[tuple[Treatment, float]] = []

    @property
    def known(self) -> bool:
        """Whether a run has been made."""
        return bool(self._took)

    def took(self, treatment: Treatment, seconds: float) -> None:
        """A run was made."""
        self._took.append((treatment, seconds))

    def left_s(self, treatments: Iterable[Treatment]) -> float:
        """How long the runs take that are still to be made.

        Examples
        --------
        >>> one, two = (
        ...     Treatment(name=name, pipelines=("x",), role="isolated") for name in ("one", "two")
        ... )
        >>> pace = Pace(Study(seconds=10, settle=1, cooldown=1))
        >>> pace.left_s([one])
        15.0
        >>> pace.took(one, 40.0)
        >>> pace.left_s([one, two, two])
        120.0
        """
        return sum(self._run_s(each) for each in treatments)

    def _run_s(self, treatment: Treatment) -> float:
        if not self._took:
            return planned_s(self._study)
        same = [s for made, s in self._took if made.name == treatment.name]
        alike = [s for made, s in self._took if made.role == treatment.role]
        return fmean(same or alike) if same or alike else max(s for _, s in self._took)
