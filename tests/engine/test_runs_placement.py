"""A worker runs where its placement says, with the threads that it says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from runs_support import bench, ended, going, of, pipeline, process_of, sleep, using, wait_for_rows

from mlbench.run import Run

CPUS = sorted(os.sched_getaffinity(0))
SEEN = using("runs_stages:surroundings")
PLACES: dict[str, dict[str, Any]] = {
    "first": {"cpus": CPUS[:1]},
    "both": {"cpus": CPUS[-2:], "threads": 1},
    "gives way": {"cpus": CPUS[:1], "priority": "best_effort"},
    "its share": {},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    pipelines = {name: pipeline(SEEN, place=place) for name, place in PLACES.items()}
    return ended(bench(pipelines, stop={"queries": 1}), tmp_path_factory.mktemp("runs"))


def seen(run: Run, name: str) -> dict[str, Any]:
    """What the stage saw of its process."""
    value: dict[str, Any] = of(run.outputs(), name)["output"].iloc[0]
    return value


@pytest.mark.parametrize("name", PLACES)
def test_the_process_is_what_the_manifest_says(run: Run, name: str) -> None:
    entry = run.manifest["pipelines"][name]
    assert seen(run, name)["cpus"] == sorted(entry["placement"]["cpus"])
    assert seen(run, name)["omp"] == str(entry["placement"]["threads"])
    assert entry["environment"]["OMP_NUM_THREADS"] == str(entry["placement"]["threads"])


def test_processors_threads_and_priority_are_those_of_the_spec(run: Run) -> None:
    assert seen(run, "first")["cpus"] == CPUS[:1]
    assert seen(run, "both")["cpus"] == CPUS[-2:]
    assert seen(run, "both")["omp"] == "1"
    assert seen(run, "gives way")["nice"] >= 10
    assert seen(run, "first")["nice"] == os.getpriority(os.PRIO_PROCESS, 0)


def test_a_library_that_a_stage_imports_has_the_threads_of_its_worker(tmp_path: Path) -> None:
    """It reads them when it is imported, so that must happen in the worker and not before."""
    place = {"cpus": CPUS[:1], "threads": 1}
    what = bench({"a": pipeline(using("runs_torch:torch_threads"), place=place)})
    run = ended(what, tmp_path)
    assert set(run.outputs()["output"]) == {1}


def test_the_engine_has_a_session_of_its_own_and_each_worker_a_group(tmp_path: Path) -> None:
    with going(bench({"a": pipeline(sleep(0.01))}, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "a/completions")
        engine, worker = run.manifest["engine"]["pid"], process_of(run, "a")
        assert os.getsid(engine) == engine != os.getsid(0)
        assert os.getsid(worker) == engine
        assert os.getpgid(worker) == worker
        assert run.manifest["pipelines"]["a"]["pid"] == worker
        run.stop()
