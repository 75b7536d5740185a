"""How many blocks it takes until a study that lost some can be VALID."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import Plan, slowed

from mlbench.study.layout import StudyManifest
from mlbench.study.reach import reach_of

pytestmark = pytest.mark.unit

LOST = {"status": "done", "verdict": "INVALID", "reasons": ("It was late.",)}
AGAIN = {"status": "planned", "verdict": None, "attempt": 1}


def lost_in(path: Path, *blocks: int, repeats: int = 5, **study: object) -> StudyManifest:
    """A study of which the collocated run of those blocks is INVALID."""
    manifest = Plan(slowed(2, blocks=repeats), study=study).write(path).manifest
    runs = tuple(
        run.model_copy(update=LOST) if run.block in blocks and run.treatment == "together" else run
        for run in manifest.runs
    )
    return manifest.model_copy(update={"runs": runs})


@pytest.mark.parametrize(
    ("blocks", "repeats", "needed"),
    [((), 5, 5), ((0,), 5, 5), ((0, 1), 5, 10), ((0,), 3, 5), ((0, 1, 2), 3, 15)],
)
def test_one_block_in_five_may_be_lost(
    tmp_path: Path, blocks: tuple[int, ...], repeats: int, needed: int
) -> None:
    reach = reach_of(lost_in(tmp_path, *blocks, repeats=repeats))
    assert (reach.lost, reach.needed) == (len(blocks), needed)
    assert reach.valid == (needed == repeats)


def test_as_many_whole_blocks_as_are_asked_for_are_needed(tmp_path: Path) -> None:
    assert reach_of(lost_in(tmp_path, 0, repeats=3, min_blocks=9)).needed == 10


def test_where_none_may_be_lost_more_blocks_mend_nothing(tmp_path: Path) -> None:
    assert reach_of(lost_in(tmp_path, 0, valid_share=1)).needed is None


def test_what_is_made_again_is_not_lost(tmp_path: Path) -> None:
    manifest = lost_in(tmp_path, 0, 1)
    again = tuple(
        run.model_copy(update={**AGAIN, "directory": f"blocks/00{run.block}/together-1"})
        for run in manifest.runs
        if run.verdict == "INVALID"
    )
    disturbed = tuple(
        run.model_copy(update={"disturbed": run.verdict == "INVALID"}) for run in manifest.runs
    )
    reach = reach_of(manifest.model_copy(update={"runs": (*disturbed, *again)}))
    assert (reach.lost, reach.valid) == (0, True)
