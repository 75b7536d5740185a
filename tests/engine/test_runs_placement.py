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


def test_linear_algebra_has_more_than_one_thread_where_its_worker_has(tmp_path: Path) -> None:
    """What measures imports NumPy with one; a stage's NumPy is not that one."""
    cpus = CPUS[-2:]
    run = ended(
        bench({"a": pipeline(using("runs_numpy:blas_threads"), place={"cpus": cpus})}), tmp_path
    )
    assert set(run.outputs()["output"]) == {len(cpus)}


def test_the_engine_has_a_session_of_its_own_and_each_worker_a_group(tmp_path: Path) -> None:
    with going(bench({"a": pipeline(sleep(0.01))}, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "a/completions")
        engine, worker = run.manifest["engine"]["pid"], process_of(run, "a")
        assert os.getsid(engine) == engine != os.getsid(0)
        assert os.getsid(worker) == engine
        assert os.getpgid(worker) == worker
        assert run.manifest["pipelines"]["a"]["pid"] == worker
        run.stop()


@pytest.mark.parametrize("only", [None, ("open",), ("closed",)])
def test_what_measures_is_on_the_same_processors_in_every_treatment(
    tmp_path: Path, only: tuple[str, ...] | None
) -> None:
    pipelines = {
        "open": pipeline(using("synthetic.noop"), load={"poisson": {"rate": 50}}),
        "closed": pipeline(sleep(0.01)),
    }
    places = {name: {**each, "place": {"cpus": CPUS[:1]}} for name, each in pipelines.items()}
    with going(bench(places, stop={"seconds": 30}, telemetry="on"), tmp_path, only=only) as run:
        wait_for_rows(run, f"{(only or ('open',))[0]}/completions")
        expected = CPUS[1:] or CPUS
        names = ["recorder", "sampler", *(["driver"] if only != ("closed",) else [])]
        for name in names:
            assert sorted(os.sched_getaffinity(process_of(run, name))) == expected, name
        run.stop()
    harness = run.manifest["harness"]
    assert harness["cpus"] == expected
    assert harness["sampler"]["cpus"] == expected
    assert 0 <= harness["recorder"]["cpu_ns"] < harness["recorder"]["wall_ns"]
