"""What a block locks: what its plan says, what its spec is placed on, or all that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sweep_support import notebook, plan, spec

from mlbench.machine.gpu import Gpu, Gpus
from mlbench.sweep.layout import read_plan
from mlbench.sweep.planning import begin
from mlbench.sweep.resources import Resources, resources_of

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
    manifest = read_plan(directory)
    return resources_of(directory, manifest, manifest.points)


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
