"""A study that is shown ends with what to type, where more blocks can make it VALID."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from recorded import Made, Plan, changed, slowed

from mlbench.cli import commands
from mlbench.store.kind import PLAN
from mlbench.study.study import Study

pytestmark = pytest.mark.unit

HINT = "to go on until it can be VALID: mlbench collocate --resume"


def show(path: Path, *options: str) -> list[str]:
    """The lines of the page, in the width of a terminal."""
    result = CliRunner().invoke(
        commands, ["show", str(path), *options], env={"COLUMNS": "80"}, prog_name="mlbench"
    )
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def lacking(path: Path, **manifest: Any) -> Study:
    """Three blocks, of which one does not count."""
    blocks = slowed(2.0, blocks=3)
    bad = Made(blocks[0]["together"].pipelines, verdict="INVALID", told=["It was late."])
    return Plan(changed(blocks, 0, "together", bad), manifest=manifest).write(path)


def test_a_study_that_lost_a_block_says_how_many_it_takes_in_one_line(tmp_path: Path) -> None:
    study = lacking(tmp_path / "study")
    assert show(study.path)[-1] == f"{HINT} {study.path} --repeats 5"
    assert json.loads("\n".join(show(study.path, "--json")))["needed_repeats"] == 5


def test_many_blocks_more_are_told_to_be_longer_than_a_new_study(tmp_path: Path) -> None:
    bad = slowed(2.0, blocks=1)[0]
    spoilt = Made(bad["together"].pipelines, verdict="INVALID", told=["It was late."])
    study = Plan([{**bad, "together": spoilt}]).write(tmp_path / "study")
    needed = study.summary()["needed_repeats"]
    assert show(study.path)[-2:] == [
        f"{HINT} {study.path} --repeats {needed}",
        f"a new study is shorter than these {needed - 1} blocks more, if it loses none",
    ]


def test_a_study_that_more_blocks_do_not_mend_says_nothing(tmp_path: Path) -> None:
    assert HINT not in "\n".join(show(Plan(slowed(2.0)).write(tmp_path / "valid").path))
    stopped = lacking(tmp_path / "stopped", status="stopped")
    assert HINT not in "\n".join(show(stopped.path))


def test_one_of_several_placements_goes_on_with_the_others(tmp_path: Path) -> None:
    design = {"kind": "group", "variant": "apart"}
    study = lacking(tmp_path / "both" / "000-apart", design=design)
    assert show(study.path)[-1] == f"{HINT} {study.path.parent} --repeats 5"


def test_a_point_of_a_sweep_does_not_go_on_by_itself(tmp_path: Path) -> None:
    study = lacking(tmp_path / "sweep" / "points" / "p" / "runs" / "study")
    (tmp_path / "sweep" / PLAN).write_text("{}")
    lines = show(study.path)
    assert HINT not in "\n".join(lines)
    assert lines[-1].endswith(f"mlbench show {tmp_path / 'sweep'}")
