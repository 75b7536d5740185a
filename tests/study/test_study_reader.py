"""A study is read while it is made and after, and nothing in its directory is trusted."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from recorded import Made, Plan, changed, slowed, steady

import mlbench
from mlbench.errors import NotARunError
from mlbench.store.kind import STUDY
from mlbench.store.layout import write_json
from mlbench.store.process import process_identity
from mlbench.study.layout import RunEntry, StudyManifest, run_directory
from mlbench.study.reader import counted

pytestmark = pytest.mark.unit


def told(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / STUDY).read_text())
    return found


def rewritten(path: Path, **changes: Any) -> None:
    write_json(path / STUDY, {**told(path), **changes})


def test_a_study_is_opened_by_its_directory(tmp_path: Path) -> None:
    Plan(slowed(2)).write(tmp_path / "s")
    study = mlbench.open_study(tmp_path / "s")
    assert (study.id, study.status, study.is_going) == ("s", "done", False)
    assert study.bench.name == "made"
    assert repr(study) == f"Study({str(tmp_path / 's')!r}, status='done')"


def test_the_manifest_is_written_as_it_is_read(tmp_path: Path) -> None:
    manifest = Plan(slowed(2)).write(tmp_path).manifest
    assert StudyManifest.model_validate(manifest.complete()) == manifest
    assert manifest.complete() == told(tmp_path)


def test_keys_that_a_reader_does_not_know_are_kept(tmp_path: Path) -> None:
    Plan(slowed(2), manifest={"since": "later"}).write(tmp_path)
    assert mlbench.open_study(tmp_path).manifest.complete()["since"] == "later"


def test_what_is_no_study_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotARunError, match=r"holds no study: there is no study\.json"):
        mlbench.open_study(tmp_path)
    (tmp_path / STUDY).write_text("[]")
    with pytest.raises(NotARunError, match="no JSON object"):
        mlbench.open_study(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "has format 2, this mlbench reads up to 1"),
        ({"repeats": -1}, "repeats: Input should be greater"),
        ({"status": "resting"}, "status"),
        ({"treatments": 3}, "treatments"),
        ({"treatments": []}, "treatments: Tuple should have at least 1 item"),
        (
            {"treatments": [{"name": "a", "pipelines": ["rag"], "role": "isolated"}] * 2},
            r"study\.json: treatments: two treatments are called 'a'",
        ),
        (
            {"treatments": [{"name": "a", "pipelines": ["rag"], "role": "isolated"}]},
            r"study\.json: runs: blocks/000/alone-rag-0 is of the treatment 'alone-rag', and "
            "there is only: a",
        ),
        ({"treatments": [{"name": "a", "pipelines": [], "role": "isolated"}]}, "pipelines"),
        ({"created": 1e300}, "created: Input should be less than"),
    ],
)
def test_a_damaged_study_names_the_first_key(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    Plan(slowed(2)).write(tmp_path)
    rewritten(tmp_path, **change)
    with pytest.raises(NotARunError, match=message):
        mlbench.open_study(tmp_path)


@pytest.mark.parametrize(
    "directory",
    ["../x/y", "blocks/../../y", "/etc/passwd", "blocks/000", "runs/000/x", "blocks/a/b/c", ""],
)
def test_a_run_stands_in_two_folders_below_blocks(directory: str) -> None:
    with pytest.raises(ValueError, match="blocks/BBB/TREATMENT-ATTEMPT"):
        RunEntry(block=0, treatment="a", attempt=0, directory=directory)


@pytest.mark.parametrize("place", ["blocks", "blocks/000", "blocks/000/together-0"])
def test_no_link_leads_out_of_a_study(tmp_path: Path, place: str) -> None:
    study = Plan(slowed(2, blocks=1)).write(tmp_path / "s")
    (study.path / place).rename(tmp_path / "elsewhere")
    (study.path / place).symlink_to(tmp_path / "elsewhere")
    reasons = study.blocks()[0].runs["together"].reasons
    assert reasons == (f"{study.path / place} is a link: a study is read from one directory only",)
    with pytest.raises(NotARunError, match="is a link"):
        study.run(0, "together")


def test_a_run_that_is_gone_takes_its_block_out(tmp_path: Path) -> None:
    study = Plan(slowed(2)).write(tmp_path)
    shutil.rmtree(tmp_path / run_directory(2, "together", 0))
    assert "holds no run" in study.blocks()[2].runs["together"].reasons[0]
    assert study.summary()["blocks"] == {"begun": 5, "valid": 4}


def test_another_run_in_the_place_of_one_is_found_out(tmp_path: Path) -> None:
    study = Plan(slowed(2)).write(tmp_path)
    shutil.rmtree(tmp_path / run_directory(1, "alone-rag", 0))
    shutil.copytree(
        tmp_path / run_directory(0, "alone-rag", 0), tmp_path / run_directory(1, "alone-rag", 0)
    )
    assert study.blocks()[1].runs["alone-rag"].reasons == (
        "blocks/001/alone-rag-0 is another run than study.json says: its block differs.",
    )


# -- while it is made --------------------------------------------------------------------


def test_a_study_that_is_going_gives_what_has_ended(tmp_path: Path) -> None:
    Plan(slowed(2)).write(tmp_path)
    identity = process_identity(os.getpid())
    runs = told(tmp_path)["runs"]
    later = [{**run, "status": "planned", "verdict": None} for run in runs[7:]]
    rewritten(tmp_path, status="going", process=identity, runs=runs[:7] + later)
    study = mlbench.open_study(tmp_path)
    assert study.is_going
    found = study.summary()
    assert found["reasons"] == ["The study is still going (7 of 15 runs), so this is not final."]
    assert found["pipelines"]["rag"]["blocks"] == 2
    rewritten(tmp_path, status="done", process=None, runs=runs)
    assert study.summary()["pipelines"]["rag"]["blocks"] == 5
    assert study.summary()["verdict"] == "VALID"


def test_a_study_whose_process_is_gone_was_aborted(tmp_path: Path) -> None:
    Plan(slowed(2)).write(tmp_path)
    gone = {**process_identity(os.getpid()), "start_ticks": 1}
    rewritten(tmp_path, status="going", process=gone)
    study = mlbench.open_study(tmp_path)
    assert study.status == "aborted"
    assert study.verdict().reasons == (
        "The study was aborted: its process ended without closing it.",
    )


def test_blocks_that_have_ended_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Plan(slowed(2)).write(tmp_path)
    before = study.blocks()
    monkeypatch.setattr("mlbench.study.block.read_block", None)
    assert study.blocks() == before
    assert study.summary()["verdict"] == "VALID"


# -- attempts ----------------------------------------------------------------------------


def attempts(*verdicts: str | None) -> list[RunEntry]:
    return [
        RunEntry(
            block=0,
            treatment="t",
            attempt=number,
            directory=run_directory(0, "t", number),
            verdict=verdict,  # type: ignore[arg-type]  # a literal
            status="planned" if verdict is None else "done",
        )
        for number, verdict in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("verdicts", "attempt"),
    [
        (["INVALID", "VALID"], 1),
        (["VALID", "INVALID"], 0),
        (["INVALID", "INVALID"], 1),
        (["VALID", "VALID"], 1),
        (["INVALID", None], 0),
    ],
)
def test_the_last_valid_attempt_counts(
    tmp_path: Path, verdicts: list[str | None], attempt: int
) -> None:
    manifest = Plan(slowed(2, blocks=1)).write(tmp_path).manifest
    manifest = manifest.model_copy(update={"runs": tuple(attempts(*verdicts))})
    assert counted(manifest)[0, "t"].attempt == attempt


def test_runs_are_listed_with_what_counts(tmp_path: Path) -> None:
    blocks = changed(slowed(2), 1, "together", Made({"rag": steady()}, verdict="INVALID"))
    found = Plan(blocks).write(tmp_path).runs()
    assert len(found) == 15
    assert found["counted"].all()
    assert found.loc[5, ["block", "treatment", "verdict"]].tolist() == [1, "together", "INVALID"]


def test_a_run_of_a_study_is_a_run(tmp_path: Path) -> None:
    study = Plan(slowed(2)).write(tmp_path)
    run = study.run(3, "alone-rag")
    assert run.summary()["pipelines"]["rag"]["queries"] == 100
    with pytest.raises(KeyError):
        study.run(9, "alone-rag")
