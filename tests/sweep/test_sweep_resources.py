"""What a block locks: what its plan says, what its spec is placed on, or all that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sweep_support import manifest, notebook, plan, spec

from mlbench.machine.gpu import Gpu, Gpus
from mlbench.placements.cpus import divide_here
from mlbench.spec import Benchmark
from mlbench.sweep.cost import OVERHEAD_S, point_seconds
from mlbench.sweep.layout import read_plan
from mlbench.sweep.planning import begin
from mlbench.sweep.resources import Resources, resources_of
from mlbench.sweep.spec_target import bench_of

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four processors and two GPUs."""
    gpus = Gpus(devices=(Gpu(0, uuid="GPU-a"), Gpu(1, uuid="GPU-b")))
    monkeypatch.setattr("mlbench.sweep.resources.read_gpus", lambda processes: gpus)
    monkeypatch.setattr("mlbench.sweep.resources.available_cpus", lambda: (0, 1, 2, 3))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def used(target: Path, **keys: Any) -> Resources:
    directory = begin(plan(target, **keys), target.parent / "runs")
    found = read_plan(directory)
    return resources_of(directory, found, found.points)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return notebook(tmp_path / "tiny.ipynb")


def test_a_notebook_has_the_machine_for_itself_where_its_plan_says_nothing(tiny: Path) -> None:
    found = used(tiny)
    assert found.locks == [
        *("cpu-0000", "cpu-0001", "cpu-0002", "cpu-0003"),
        *("gpu-GPU-a", "gpu-GPU-b"),
    ]


def test_a_plan_says_what_its_points_use(tiny: Path) -> None:
    assert used(tiny, cpus=[2], devices=["cuda:1"]).locks == ["cpu-0002", "gpu-GPU-b"]
    assert used(tiny, cpus=[2], devices=["cpu"]).locks == ["cpu-0002"]
    assert used(tiny, cpus=[2], devices=["cuda"]).gpus == ("GPU-a", "GPU-b")


def test_a_gpu_is_locked_by_its_uuid_however_it_is_numbered(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert used(tiny, cpus=[0], devices=["cuda:0"]).gpus == ("GPU-b",)


def test_a_spec_uses_what_its_pipelines_are_placed_on(tmp_path: Path) -> None:
    assert used(spec(tmp_path / "two.yml")).locks == ["cpu-0000"]


def test_specs_that_differ_in_what_places_nothing_are_placed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[Benchmark] = []
    monkeypatch.setattr(
        "mlbench.sweep.resources.divide_here",
        lambda bench: (placed.append(bench), divide_here(bench))[1],
    )
    grid = {"seed": list(range(20)), "pipelines.left.place.priority": ["normal", "best_effort"]}
    found = used(spec(tmp_path / "two.yml"), make="run", parameters={"grid": grid})
    assert found.locks == ["cpu-0000"]
    priorities = [bench.pipelines["left"].place.priority for bench in placed]
    assert priorities == ["normal", "best_effort"]


def test_a_few_of_many_specs_say_how_long_a_point_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[object] = []
    monkeypatch.setattr(
        "mlbench.sweep.spec_target.bench_of",
        lambda document, values: (looked.append(values), bench_of(document, values))[1],
    )
    seconds = {"grid": {"stop.seconds": [10] * 500 + [20] * 500}}
    many = manifest(spec(tmp_path / "two.yml"), make="run", parameters=seconds)
    each_s, how = point_seconds(many, {})
    assert (each_s, how) == (pytest.approx(OVERHEAD_S + 15, abs=2), "from the seconds of the spec")
    assert len(looked) == 100
