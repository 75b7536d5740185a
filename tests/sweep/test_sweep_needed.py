"""How many repeats a sweep of studies needs, once blocks of it are lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recorded import Made, Plan, changed, slowed
from sweep_support import plan, spec

from mlbench.sweep.layout import RUNS, point_directory
from mlbench.sweep.opened import Sweep, open_sweep
from mlbench.sweep.planning import begin
from mlbench.sweep.state import DONE, PointState, write_state

pytestmark = pytest.mark.unit


def swept(path: Path, repeats: int, lost: int, **study: Any) -> Sweep:
    """A sweep that has ended: each repeat is a block, of which the first ones do not count."""
    sweep = open_sweep(begin(plan(spec(path / "two.yml"), repeats=repeats), path / "runs"))
    blocks = slowed(2.0, blocks=repeats)
    for number, block in enumerate(blocks[:lost]):
        bad = Made(block["together"].pipelines, verdict="INVALID", told=["It was late."])
        blocks = changed(blocks, number, "together", bad)
    for point in sweep.manifest.points:
        block = blocks[point.repeat]
        Plan([block], study=study).write(point_directory(sweep.path, point.id) / RUNS / "study")
        write_state(sweep.path, point.id, PointState(DONE, 1))
    return sweep


def test_repeats_that_are_too_few_are_as_many_as_a_study_needs_blocks(tmp_path: Path) -> None:
    (told,) = swept(tmp_path, repeats=2, lost=0).summary()["next"]
    assert "set repeats in the plan to 3 or more" in told


def test_a_sweep_that_lost_a_block_needs_more_than_the_fewest_of_a_study(tmp_path: Path) -> None:
    summary = swept(tmp_path, repeats=3, lost=1).summary()
    (told,) = summary["next"]
    assert summary["verdict"] == "INVALID"
    assert "a study needs 5 blocks" in told
    assert "set repeats in the plan to 5 or more" in told
    assert {row["needed_repeats"] for row in summary["rows"]} == {5}


def test_a_sweep_that_is_valid_without_a_block_needs_nothing(tmp_path: Path) -> None:
    summary = swept(tmp_path, repeats=6, lost=1).summary()
    assert (summary["verdict"], summary["next"]) == ("VALID", [])
    assert {row["needed_repeats"] for row in summary["rows"]} == {None}
