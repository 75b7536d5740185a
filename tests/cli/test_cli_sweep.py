"""``mlbench sweep``: what it says, what it refuses, and the statuses that it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlbench.sweep.executor import EXECUTORS
from mlbench.sweep.opened import open_sweep

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
        (("--resume", "nowhere"), "holds no sweep"),
    ],
)
def test_what_cannot_be_meant_is_refused(cli: Cli, arguments: tuple[str, ...], told: str) -> None:
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
