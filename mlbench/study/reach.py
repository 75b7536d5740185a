"""How far a study is from VALID: blocks that are lost, and how many it would take in the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlbench.study.attempts import attempts_of
from mlbench.study.block import reference_of
from mlbench.study.layout import StudyManifest
from mlbench.study.reader import counted

__all__ = ["Reach", "reach_of"]

AT_MOST = 10_000
"""Blocks; a study that would need more is not gone on with."""


@dataclass(frozen=True)
class Reach:
    """What is still possible in the comparison that has lost most blocks.

    Parameters
    ----------
    repeats
        Blocks that are planned.
    lost
        Those of which a run does not count, and is not made again.
    needed
        The fewest blocks with which the study can still be VALID; null where no number will do.
    """

    repeats: int
    lost: int
    needed: int | None

    @property
    def valid(self) -> bool:
        """Whether the blocks that are planned can be enough."""
        return self.needed is not None and self.needed <= self.repeats


def reach_of(manifest: StudyManifest) -> Reach:
    """What is still possible in a study, from what its ``study.json`` says of its runs.

    Only what more blocks can mend is looked at: ``study: {min_blocks, valid_share}``.
    """
    found = [_reach(manifest, names) for names in _comparisons(manifest)]
    none = Reach(manifest.repeats, 0, manifest.repeats)
    return max(found, key=lambda e: AT_MOST if e.needed is None else e.needed, default=none)


def _comparisons(manifest: StudyManifest) -> Iterator[frozenset[str]]:
    """Each collocated treatment with those that it is compared with."""
    for treatment in manifest.treatments:
        if treatment.role == "collocated":
            beside = (reference_of(manifest, name) for name in treatment.pipelines)
            names = (each.name for each in beside if each is not None)
            yield frozenset((treatment.name, *names))


def _reach(manifest: StudyManifest, names: frozenset[str]) -> Reach:
    lost = _lost(manifest, names)
    attempts = attempts_of(manifest)
    again = {
        block
        for block in range(manifest.repeats)
        if any(attempts.own_failures(block, name) for name in names)
    }
    study, spoilt = manifest.spec.study, len(lost | again)
    least = max(manifest.repeats, len(lost) + study.min_blocks)
    enough = (n for n in range(least, AT_MOST) if n - spoilt >= study.valid_share * n)
    return Reach(manifest.repeats, len(lost), next(enough, None))


def _lost(manifest: StudyManifest, names: frozenset[str]) -> set[int]:
    """Blocks of which a run is INVALID for good."""
    coming = {(run.block, run.treatment) for run in manifest.runs if run.verdict is None}
    return {
        block
        for (block, treatment), run in counted(manifest).items()
        if treatment in names and run.verdict != "VALID" and (block, treatment) not in coming
    }
