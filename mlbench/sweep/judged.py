"""The studies of a combination, one a repeat, judged together: as the blocks of one study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlbench.study.block import Block
from mlbench.study.judge import StudyVerdict, judge
from mlbench.study.layout import RunEntry, StudyManifest
from mlbench.study.study import Study
from mlbench.sweep.layout import Point

__all__ = ["judged"]


def judged(studies: Sequence[tuple[Point, Study]], planned: int) -> StudyVerdict:
    """What a study that has their blocks says of itself.

    Parameters
    ----------
    studies
        Of points that differ in their repeat alone; each has one block.
    planned
        How many repeats the plan has.
    """
    manifests = [(point, study.manifest) for point, study in studies]
    runs = [_entry(each, point) for point, one in manifests for each in one.runs]
    reasons = dict.fromkeys(each for _, one in manifests for each in one.reasons)
    whole: StudyManifest = manifests[0][1].model_copy(
        update={"repeats": planned, "runs": tuple(runs), "reasons": tuple(reasons)}
    )
    blocks = [_block(each, point) for point, study in studies for each in study.blocks()]
    return judge(whole, "done", blocks)


def _block(block: Block, point: Point) -> Block:
    runs = {
        name: replace(found, entry=_entry(found.entry, point)) for name, found in block.runs.items()
    }
    return replace(block, number=point.repeat, runs=runs)


def _entry(entry: RunEntry, point: Point) -> RunEntry:
    """The entry in the block of its repeat; where it stands is told by the point."""
    where = f"{point.id} {entry.directory}"
    return entry.model_copy(update={"block": point.repeat, "directory": where})
