"""``mlbench sweep``: what it says, what it refuses, and the statuses that it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlbench.cli.interrupts import Interrupts
from mlbench.cli.page import notes, results
from mlbench.cli.sweep_progress import Points
from mlbench.cli.sweep_report import print_summary
from mlbench.sweep.executor import EXECUTORS
from mlbench.sweep.layout import STATE, point_directory, read_plan
from mlbench.sweep.opened import open_sweep
from mlbench.sweep.plan import load_plan
from mlbench.sweep.planning import begin
from mlbench.sweep.state import DONE, FAILED, PointState, write_state

Cli = Callable[..., Any]  # Any: what click's runner gives

SPEC = """\
name: one
stop: {queries: 3}
telemetry: off
pipelines:
  a:
    data: {uses: synthetic.items}
    place: {device: cpu, cpus: [0]}
    warmup: {queries: 0}
    stages: {step: {uses: synthetic.noop}}
"""

PLAN = """\
spec: one.yml
make: run
parameters:
  grid: {stop.queries: [2, 3]}
repeats: 2
skip: "stop.queries == 2"
devices: [cpu]
contamination: {foreign_share: 1, steal_share: 1}
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLBENCH_LOCKS", str(tmp_path / "locks"))
    (tmp_path / "one.yml").write_text(SPEC)
    file = tmp_path / "plan.yml"
    file.write_text(PLAN)
    return file


# -- before anything is executed ---------------------------------------------------------


@pytest.mark.unit
def test_a_dry_run_shows_the_points_and_makes_nothing(
    plan: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli("sweep", plan, "--dry-run")
    assert result.exit_code == 0
    assert "1 sets of parameters, 1 skipped, 2 repeats, 2 blocks: 2 points" in result.stdout
    assert not (tmp_path / "runs").exists()


@pytest.mark.unit
def test_a_dry_run_is_one_json_document(plan: Path, cli: Cli) -> None:
    found = json.loads(cli("sweep", plan, "--dry-run", "--json").stdout)
    assert [each["parameters"] for each in found["plan"]] == [{"stop.queries": 3}] * 2
    assert found["seconds"] == pytest.approx(2 * found["point_seconds"])


STUDY = "study: {seconds: 1, min_blocks: 3}\n"
SECOND = "  b: {data: {uses: synthetic.items}, stages: {step: {uses: synthetic.noop}}}\n"


@pytest.mark.unit
def test_a_dry_run_says_where_repeats_are_too_few_for_a_study(
    plan: Path, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "one.yml").write_text(SPEC + SECOND + STUDY)
    few = "2 of the 3 blocks that a study needs to be VALID"
    assert few not in cli("sweep", plan, "--dry-run").stdout, "a run is no study"
    plan.write_text(PLAN.replace("make: run\n", ""))
    assert few in cli("sweep", plan, "--dry-run").stdout
    plan.write_text(PLAN.replace("make: run\n", "").replace("repeats: 2", "repeats: 3"))
    assert few not in cli("sweep", plan, "--dry-run").stdout


@pytest.mark.unit
def test_a_mistake_in_the_plan_has_its_line_and_the_nearest_name(plan: Path, cli: Cli) -> None:
    plan.write_text(PLAN.replace("repeats", "repaets"))
    result = cli("sweep", plan)
    assert result.exit_code == 2
    assert "plan.yml:5:1: repaets: is not a key here (did you mean 'repeats'?)" in result.stderr


@pytest.mark.unit
def test_a_wrong_condition_has_its_line(plan: Path, cli: Cli) -> None:
    plan.write_text(PLAN.replace("stop.queries == 2", "stop.querys == 2"))
    result = cli("sweep", plan)
    assert result.exit_code == 2
    assert "plan.yml:6:" in result.stderr
    assert "did you mean 'stop.queries'?" in result.stderr


@pytest.mark.unit
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name a PLAN, or a sweep with --resume DIR"),
        (("plan.yml", "--failed"), "--failed goes with --resume DIR"),
        (("--no-wait", "plan.yml"), "name the PLAN first"),
        (("--resume", "nowhere"), "there is no sweep nowhere in "),
        (("--resume", "."), "holds no sweep"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    cli: Cli, arguments: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    result = cli("sweep", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.unit
def test_an_unknown_executor_and_an_unknown_option_name_the_nearest(plan: Path, cli: Cli) -> None:
    assert "did you mean 'slurm'?" in cli("sweep", plan, "--on", "slrum").stderr
    assert "did you mean '--no-wait'?" in cli("sweep", plan, "--no-wiat").stderr


@pytest.mark.unit
def test_an_executor_is_loaded_when_it_is_chosen() -> None:
    assert EXECUTORS["local"] == "mlbench.sweep.local:Local"


# -- shown -------------------------------------------------------------------------------


@pytest.fixture
def sweep(plan: Path, tmp_path: Path) -> Path:
    """Two of four points are done, one failed, one is planned: nothing was executed."""
    plan.write_text(PLAN.replace('skip: "stop.queries == 2"\n', ""))
    directory = begin(load_plan(plan), tmp_path / "runs", plan)
    first, second, third, _ = (point.id for point in read_plan(directory).points)
    for point in (first, second):
        write_state(directory, point, PointState(DONE, 1, began=0.0))
        (point_directory(directory, point) / "recorded.json").write_text('{"loss": 0.25}')
    failed = PointState(FAILED, 1, began=0.0, error={"kind": "RunFailed", "message": "[no]"})
    write_state(directory, third, failed)
    return directory


def _rows(page: str) -> list[list[str]]:
    lines = [line.split() for line in page.splitlines()]
    return [words for words in lines if words and words[0].isdigit()]


@pytest.mark.unit
def test_a_sweep_is_shown_with_a_row_for_each_point(sweep: Path, cli: Cli) -> None:
    result = cli("show", sweep)
    assert result.exit_code == 0, result.output
    assert "one  stopped" in result.stdout
    assert "points   1 planned, 2 done, 1 failed" in result.stdout
    assert "RunFailed: [no]" in result.stdout
    assert _rows(result.stdout) == [
        ["1", "2", "done", "0.250"],
        ["1", "3", "done", "0.250"],
        ["2", "2", "failed", "-"],
        ["2", "3", "planned", "-"],
    ]
    again = f"mlbench sweep --resume {sweep}"
    assert result.stdout.splitlines()[-2:] == [
        f"next     what is left: {again}",
        f"next     those that failed or timed out, again: {again} --failed",
    ]


@pytest.mark.unit
def test_columns_of_parameters_are_told_apart_by_their_pipelines(
    plan: Path, cli: Cli, tmp_path: Path
) -> None:
    grid = "grid: {pipelines.a.warmup.queries: [0, 1], "
    plan.write_text(PLAN.replace("grid: {", grid).replace("skip:", "# skip:"))
    directory = begin(load_plan(plan), tmp_path / "runs", plan)
    lines = cli("show", directory).stdout.splitlines()
    below = next(line for line in lines if "status" in line)
    assert below.split() == ["repeat", "queries", "queries", "status"]
    assert lines[lines.index(below) - 1].split() == ["a"]


@pytest.mark.unit
def test_a_sweep_is_one_json_document(sweep: Path, cli: Cli) -> None:
    found = json.loads(cli("show", sweep, "--json").stdout)
    assert found == json.loads(json.dumps(open_sweep(sweep).summary()))
    assert [row["parameters"]["stop.queries"] for row in found["rows"]] == [2, 3, 2, 3]
    assert [row["recorded"]["loss"] for row in found["rows"]] == [0.25, 0.25, None, None]
    assert found["rows"][0]["metrics"]["throughput"] is None


@pytest.mark.unit
def test_a_sweep_is_found_by_its_id(sweep: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sweep.parent.parent)
    assert "one  stopped" in cli("show", sweep.name).stdout


@pytest.mark.unit
def test_a_run_that_is_left_out_and_limits_that_are_laxer_are_shown(
    sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = open_sweep(sweep).summary()
    rows: Any = summary["rows"]
    rows[0] |= {"verdict": "INVALID", "left_out": True}
    told = {"notes": ["left out: p: Late."], "relaxed": ["study.steal_share 1 instead of 0.01"]}
    print_summary({**summary, **told}, results())
    page = capsys.readouterr().out
    assert "  - left out: p: Late." in page
    assert "  - study.steal_share 1 instead of 0.01" in page
    assert _rows(page)[0] == ["1", "2", "done", "left", "out", "0.250"]


@pytest.mark.unit
def test_a_parameter_whose_column_has_another_name_is_told(
    plan: Path, cli: Cli, tmp_path: Path
) -> None:
    plan.write_text(PLAN.replace("stop.queries: [2, 3]", "seed: [1]").replace("skip:", "# skip:"))
    directory = begin(load_plan(plan), tmp_path / "runs", plan)
    told = "column   parameter_seed is the parameter seed: seed is a column of its own"
    assert told in cli("show", directory).stdout


# -- refused -----------------------------------------------------------------------------


@pytest.mark.unit
def test_a_sweep_of_a_cluster_does_not_go_on_here_unless_that_is_said(
    sweep: Path, cli: Cli
) -> None:
    (sweep / "slurm").mkdir()
    before = open_sweep(sweep).states()
    result = cli("sweep", "--resume", sweep, "--failed")
    assert result.exit_code == 2
    assert f"{sweep} was given to --on slurm" in result.stderr
    assert "--on local for this machine" in result.stderr
    assert open_sweep(sweep).states() == before


@pytest.mark.unit
def test_a_sweep_that_no_cluster_takes_leaves_nothing(
    plan: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = cli("sweep", plan, "--on", "slurm", "--out", tmp_path / "runs")
    assert result.exit_code == 1
    assert "sbatch is not on the path" in result.stderr
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.unit
def test_a_spec_in_place_of_a_plan_names_the_command_for_it(
    plan: Path, cli: Cli, tmp_path: Path
) -> None:
    result = cli("sweep", tmp_path / "one.yml")
    assert result.exit_code == 2
    assert "is a spec, not the plan of a sweep (mlbench run " in result.stderr


@pytest.mark.unit
def test_a_point_that_is_executed_again_says_why(sweep: Path, capsys: Any) -> None:
    first = read_plan(sweep).points[0].id
    (point_directory(sweep, first) / STATE).write_text("")
    with Interrupts() as interrupts, Points(sweep, notes(), interrupts):
        pass
    assert "state.json is empty or torn" in "".join(capsys.readouterr().err.splitlines())


# -- executed ----------------------------------------------------------------------------


def test_a_sweep_is_executed_told_and_can_be_resumed(plan: Path, cli: Cli, tmp_path: Path) -> None:
    result = cli("sweep", plan, "--out", tmp_path / "runs", "--json", "--no-wait")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["status"], summary["verdict"]) == ("done", "VALID")
    assert summary["points"]["done"] == 2
    assert "repeat 1: stop.queries=3  done" in result.stderr
    path = tmp_path / "runs" / summary["sweep"]
    assert Path(summary["results"]) == path / "results.parquet"
    before = open_sweep(path).states()
    again = cli("sweep", "--resume", path)
    assert again.exit_code == 0
    assert "points   2 done" in again.stdout
    assert open_sweep(path).states() == before
    plan.write_text(PLAN.replace("repeats: 2", "repeats: 3"))
    more = cli("sweep", plan, "--resume", path)
    assert "points   3 done" in more.stdout
    assert {name: open_sweep(path).states()[name] for name in before} == before
    plan.write_text(PLAN.replace("[2, 3]", "[2, 4]"))
    other = cli("sweep", plan, "--resume", path)
    assert other.exit_code == 2
    assert "is a sweep of another plan" in other.stderr


def test_a_point_that_fails_is_told_and_the_status_is_1(
    plan: Path, cli: Cli, tmp_path: Path
) -> None:
    crash = SPEC.replace("synthetic.noop}", "synthetic.crash, with: {at: 1}}")
    (tmp_path / "one.yml").write_text(crash)
    result = cli("sweep", plan, "--out", tmp_path / "runs")
    assert result.exit_code == 1
    assert "INVALID" in result.stdout
    assert "RunFailed" in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last.endswith(" --failed")
    assert last.startswith("next     those that failed or timed out, again: mlbench sweep --resume")
