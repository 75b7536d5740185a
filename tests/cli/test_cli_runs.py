"""``mlbench runs``: every directory is a row, broken ones too."""

from __future__ import annotations

import json
import shutil

import pytest

from mlbench.spec import Benchmark, Window
from mlbench.store.kind import STUDY
from mlbench.store.layout import write_json
from mlbench.study.layout import RunEntry, StudyManifest, Treatment, run_directory
from mlbench.sweep.layout import read_plan
from mlbench.sweep.plan import Plan
from mlbench.sweep.planning import begin
from mlbench.sweep.state import DONE, PointState, write_state

ONE = """\
name: one
pipelines:
  a: {data: {uses: synthetic.items}, stages: {step: {uses: synthetic.noop}}}
"""


@pytest.fixture
def directory(done, crashed, tmp_path):
    """Two runs that can be read and three directories that cannot."""
    shutil.copytree(done.path, tmp_path / "first")
    shutil.copytree(crashed.path, tmp_path / "second")
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "spec.json").write_text("{")
    shutil.copytree(done.path, tmp_path / "odd")
    (tmp_path / "odd" / "run.json").write_text('{"status": "done", "pipelines": {}, "engine": {}}')
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def test_runs_are_listed_newest_first_and_broken_ones_with_their_reason(cli, directory):
    result = cli("runs", directory, columns=120)

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    rows = [line.split()[0] for line in lines if line.startswith(("first", "second"))]
    assert rows == ["second", "first"]
    assert any("empty: holds no run" in line for line in lines)
    assert any("torn/spec.json is no JSON object" in line for line in lines)
    assert not any(".hidden" in line for line in lines)


def test_status_and_verdict_stand_in_the_row(cli, directory):
    lines = cli("runs", directory, columns=120).stdout.splitlines()

    assert next(x for x in lines if x.startswith("first")).split()[-2:] == ["done", "VALID"]
    assert next(x for x in lines if x.startswith("second")).split()[-2:] == ["failed", "INVALID"]


def test_a_narrow_page_keeps_the_ids_whole(cli, directory):
    lines = cli("runs", directory, columns=60).stdout.splitlines()

    assert "first  done  VALID" in [line.rstrip() for line in lines]


def test_json_lists_every_directory(cli, directory):
    rows = json.loads(cli("runs", directory, "--json").stdout)["runs"]

    by_id = {row["id"]: row for row in rows}
    assert set(by_id) == {"first", "second", "empty", "torn", "odd"}
    assert by_id["first"]["verdict"] == "VALID"
    assert by_id["first"]["pipelines"] == ["[red]x", "flaky"]
    assert by_id["torn"]["problem"]


def test_a_run_that_goes_on_has_no_verdict_yet(cli, going):
    (row,) = json.loads(cli("runs", going.path.parent, "--json").stdout)["runs"]

    assert (row["status"], row["verdict"]) == ("load", None)


def test_large_tables_are_not_read(cli, directory, monkeypatch):
    monkeypatch.setattr("mlbench.study.listing.VERDICT_BYTES", 10)

    rows = json.loads(cli("runs", directory, "--json").stdout)["runs"]

    assert {row["verdict"] for row in rows} == {None}


@pytest.fixture
def study(tmp_path):
    """A study of two blocks, one of them with a run that is INVALID; it has no tables."""
    together = Treatment(name="together", pipelines=("a",), role="collocated")
    treatments = [Treatment(name="alone-a", pipelines=("a",), role="isolated"), together]
    runs = [
        RunEntry(
            block=block,
            treatment=each.name,
            attempt=0,
            directory=run_directory(block, each.name, 0),
            verdict="INVALID" if block and each is together else "VALID",
            status="done",
        )
        for block in (0, 1)
        for each in treatments
    ]
    manifest = StudyManifest(
        spec=Benchmark(name="made"), seed=0, design={"kind": "group"}, repeats=2, status="done",
        window=Window(seconds=1), treatments=tuple(treatments), runs=tuple(runs),
    )  # fmt: skip
    (tmp_path / "one").mkdir()
    write_json(tmp_path / "one" / STUDY, manifest.complete())
    return tmp_path


def test_a_study_has_its_valid_blocks_in_the_place_of_a_verdict(cli, study):
    (line,) = (x for x in cli("runs", study).stdout.splitlines() if x.startswith("one"))
    (row,) = json.loads(cli("runs", study, "--json").stdout)["runs"]

    assert line.rstrip().endswith("1 of 2 blocks VALID")
    assert row["verdict"] is None


def test_a_study_took_from_its_beginning_to_the_end_of_its_last_run(cli, study, done):
    manifest = json.loads((study / "one" / STUDY).read_text())
    began = json.loads((done.path / "run.json").read_text())["clock"]["begin"]["realtime_ns"] / 1e9
    (study / "one" / STUDY).write_text(json.dumps({**manifest, "created": began - 60}))
    shutil.copytree(done.path, study / "one" / run_directory(1, "together", 0))
    (row,) = json.loads(cli("runs", study, "--json").stdout)["runs"]

    assert row["kind"] == "study"
    assert 60 < row["seconds"] < 120


def test_sweeps_are_listed_with_how_many_of_their_points_are_done(cli, tmp_path):
    (tmp_path / "one.yml").write_text(ONE)
    plan = Plan(spec=str(tmp_path / "one.yml"), make="run", parameters={"grid": {"seed": [1, 2]}})
    sweep = begin(plan, tmp_path / "runs")
    point = read_plan(sweep).points[0].id
    write_state(sweep, point, PointState(DONE, 1, ended=read_plan(sweep).created + 5))
    (line,) = cli("runs", tmp_path / "runs", columns=120).stdout.splitlines()[2:]
    (row,) = json.loads(cli("runs", tmp_path / "runs", "--json").stdout)["runs"]

    assert line.rstrip().endswith("1 of 2 points done")
    assert (row["kind"], row["id"], row["status"], row["verdict"]) == (
        *("sweep", sweep.name),
        *("stopped", None),
    )
    assert row["seconds"] == pytest.approx(5)


def test_a_sweep_in_place_of_a_directory_says_what_to_type(cli, tmp_path):
    (tmp_path / "plan.json").write_text("{}")

    assert f"is a sweep itself: mlbench show {tmp_path}" in cli("runs", tmp_path).stderr


def test_a_damaged_sweep_is_a_row_with_its_reason(cli, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "plan.json").write_text("{")

    assert "unreadable  bad: " in cli("runs", tmp_path).stdout


def test_an_empty_directory_is_said_to_be_empty(cli, tmp_path):
    assert cli("runs", tmp_path).stdout.startswith("no runs in ")


def test_a_directory_that_is_not_there_is_bad_input(cli, tmp_path):
    result = cli("runs", tmp_path / "none")

    assert result.exit_code == 2
    assert "there is no directory" in result.stderr


def test_a_run_in_place_of_a_directory_says_what_to_type(cli, done):
    result = cli("runs", done.path)

    assert result.exit_code == 2
    assert f"mlbench show {done.path}" in result.stderr
