"""Attempts that were discarded are told of wherever a study is, and count where they should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from recorded import Plan, slowed

from mlbench.cli import commands
from mlbench.store.kind import STUDY
from mlbench.store.layout import write_json
from mlbench.study.layout import RunEntry, run_directory
from mlbench.study.study import Study

pytestmark = pytest.mark.unit

LATE = "rag was offered late."
FOREIGN = "Others used 12.0% of the processors during the run (study: {foreign_share: 0.05})."


def discarded(block: int, treatment: str, reason: str, disturbed: bool = False) -> RunEntry:
    """A first attempt, INVALID, where the study has another run."""
    return RunEntry(
        block=block, treatment=treatment, attempt=0, status="done", verdict="INVALID",
        directory=run_directory(block, f"{treatment}-before", 0), reasons=(reason,),
        disturbed=disturbed,
    )  # fmt: skip


def study_with(path: Path, *before: RunEntry) -> Study:
    """Five VALID blocks; some of their runs are second attempts."""
    Plan(slowed(2)).write(path)
    told = json.loads((path / STUDY).read_text())
    places = {(each.block, each.treatment) for each in before}
    for run in told["runs"]:
        run["attempt"] = int((run["block"], run["treatment"]) in places)
    told["runs"] = [*(each.model_dump(mode="json") for each in before), *told["runs"]]
    write_json(path / STUDY, told)
    return Study(path)


def page(study: Study) -> str:
    environment = {"COLUMNS": "200", "FORCE_COLOR": None}
    result = CliRunner().invoke(commands, ["show", str(study.path)], env=environment)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_study_without_any_says_so(tmp_path: Path) -> None:
    study = study_with(tmp_path)
    assert str(study.verdict().attempts) == "0 of 15 attempts were discarded"
    attempts: dict[str, Any] = study.summary()["attempts"]
    assert (attempts["made"], attempts["discarded"]) == (15, 0)
    assert "0 of 15 attempts were discarded." in study.describe()
    assert "runs 15 made, 0 INVALID, 0 made again" in page(study)


def test_they_are_told_by_treatment_with_their_reasons(tmp_path: Path) -> None:
    study = study_with(
        tmp_path,
        discarded(0, "together", LATE),
        discarded(1, "together", FOREIGN, disturbed=True),
    )
    assert study.verdict().valid
    attempts = study.summary()["attempts"]
    assert (attempts["made"], attempts["discarded"]) == (17, 2)
    assert attempts["by_treatment"]["alone-rag"] == {
        "made": 5, "discarded": 0, "outside": 0, "reasons": [],
    }  # fmt: skip
    assert attempts["by_treatment"]["together"] == {
        "made": 7,
        "discarded": 2,
        "outside": 1,
        "reasons": [
            f"blocks/000/together-before-0: {LATE}",
            f"blocks/001/together-before-0: {FOREIGN}",
        ],
    }
    for text in (study.describe(), page(study)):
        assert f"blocks/000/together-before-0: {LATE}" in text
        assert f"blocks/001/together-before-0: {FOREIGN}" in text
    assert "- of together 2 of 7, 1 of them for causes from outside alone:" in study.describe()
    assert "runs 17 made, 2 INVALID, 2 made again (together 2 of 7)" in page(study)


@pytest.mark.parametrize("treatment", ["together", "alone-rag"])
def test_the_share_of_valid_blocks_is_of_first_attempts(tmp_path: Path, treatment: str) -> None:
    """All five blocks are VALID now, but two of them were made until they were."""
    before = [discarded(block, treatment, LATE) for block in (1, 4)]
    assert study_with(tmp_path / "one", before[0]).verdict().valid
    assert study_with(tmp_path / "two", *before).verdict().reasons == (
        "together has 5 VALID blocks of 5, 3 of them without a discarded attempt that failed by "
        "itself, less than 80% of them (study: {valid_share: 0.8}).",
    )


def test_what_came_from_outside_does_not_count_against_it(tmp_path: Path) -> None:
    before = [discarded(block, "together", FOREIGN, disturbed=True) for block in range(5)]
    study = study_with(tmp_path, *before)
    assert study.verdict().valid
    assert "5 of 20 attempts were discarded." in study.describe()


def test_one_damaged_study_does_not_hide_the_others(tmp_path: Path) -> None:
    study_with(tmp_path / "good")
    study_with(tmp_path / "bad")
    told = json.loads((tmp_path / "bad" / STUDY).read_text())
    write_json(tmp_path / "bad" / STUDY, {**told, "created": 1e300})
    result = CliRunner().invoke(commands, ["runs", str(tmp_path)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "good" in result.stdout
    assert "unreadable" in result.output
    assert "created: Input should be less than" in result.output
