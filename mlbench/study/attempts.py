"""The attempts that a study made: how many were discarded, where, and for which causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from mlbench.analysis.record import ENDED
from mlbench.study.layout import RunEntry, StudyManifest
from mlbench.study.reader import counted

__all__ = ["Attempts", "Discarded", "TreatmentAttempts", "attempts_of"]


@dataclass(frozen=True)
class Discarded:
    """An attempt that was made, and that another one of its block stands for."""

    entry: RunEntry

    @property
    def outside(self) -> bool:
        """Whether all that is held against it came from outside.

        That is load of others, time that a hypervisor took, an interrupt. What the pipelines
        do themselves is another matter: to try until it does not happen is to choose.
        """
        return self.entry.disturbed

    def __str__(self) -> str:
        why = " ".join(self.entry.reasons) or "no reason was written down."
        return f"{self.entry.directory}: {why}"


@dataclass(frozen=True)
class TreatmentAttempts:
    """Those of one treatment."""

    made: int
    discarded: tuple[Discarded, ...]

    @property
    def outside(self) -> int:
        """How many were discarded for causes outside of them alone."""
        return sum(each.outside for each in self.discarded)

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """``made``, ``discarded``, ``outside`` (of these) and ``reasons``, one an attempt."""
        return {
            "made": self.made,
            "discarded": len(self.discarded),
            "outside": self.outside,
            "reasons": [str(each) for each in self.discarded],
        }


@dataclass(frozen=True)
class Attempts:
    """The attempts of a study that have ended, by treatment.

    Examples
    --------
    >>> str(Attempts({"together": TreatmentAttempts(5, ())}))
    '0 of 5 attempts were discarded'
    """

    treatments: Mapping[str, TreatmentAttempts]

    @property
    def made(self) -> int:
        """How many there were."""
        return sum(each.made for each in self.treatments.values())

    @property
    def discarded(self) -> int:
        """How many of them do not count, because another of the same block does."""
        return sum(len(each.discarded) for each in self.treatments.values())

    def own_failures(self, block: int, treatment: str) -> int:
        """How many were discarded for what happened inside of the pipelines."""
        found = self.treatments.get(treatment)
        mine = found.discarded if found else ()
        return sum(each.entry.block == block and not each.outside for each in mine)

    def __str__(self) -> str:
        return f"{self.discarded} of {self.made} attempts were discarded"

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """``made``, ``discarded``, and ``by_treatment`` the same with reasons."""
        by_treatment = {name: each.to_dict() for name, each in self.treatments.items()}
        return {"made": self.made, "discarded": self.discarded, "by_treatment": by_treatment}


def attempts_of(manifest: StudyManifest) -> Attempts:
    """The attempts of each treatment, in the order of the study; capacities', too."""
    chosen = {entry.directory for entry in counted(manifest).values()}
    made: dict[str, list[RunEntry]] = {each.name: [] for each in manifest.treatments}
    for entry in manifest.runs:
        if entry.status in ENDED:
            made[entry.treatment].append(entry)
    return Attempts({name: _of_treatment(entries, chosen) for name, entries in made.items()})


def _of_treatment(entries: Sequence[RunEntry], chosen: Set[str]) -> TreatmentAttempts:
    discarded = (Discarded(entry) for entry in entries if entry.directory not in chosen)
    return TreatmentAttempts(len(entries), tuple(discarded))
