"""MIG: an instance that is there is shown to the worker, and nothing else is."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mlbench.engine.plan import Plan
from mlbench.machine.gpu import Gpu, Gpus, MigInstance
from mlbench.placements import mig
from mlbench.placements.cpus import ResolvedPlacement
from mlbench.placements.mig import Mig
from mlbench.spec import Benchmark, Request

pytestmark = pytest.mark.unit

HALF = MigInstance("MIG-1b2c", "3g.40gb", 40 << 30, 1, 0)


@pytest.fixture
def machine(monkeypatch):
    def has(*instances: MigInstance, gpus: int = 1):
        devices = tuple(Gpu(i, f"GPU-{i}", mig_instances=instances) for i in range(gpus))
        found = Gpus(devices=devices, reasons={} if gpus else {"devices": "no driver"})
        monkeypatch.setattr(mig, "read_gpus", lambda processes: found)

    return has


def test_an_instance_that_is_there_lacks_nothing(machine):
    machine(HALF)
    assert Mig(uuid="MIG-1b2c").missing() is None


def test_an_instance_that_is_not_there_is_told_with_the_nearest(machine):
    machine(HALF)
    missing = Mig(uuid="MIG-1b2d").missing()
    assert missing == "no MIG instance is MIG-1b2d (did you mean 'MIG-1b2c'?)"


def test_a_gpu_without_instances_says_how_they_are_made(machine):
    machine()
    assert "nvidia-smi mig" in Mig(uuid="MIG-1b2c").missing()


def test_a_machine_without_a_gpu_says_why(machine):
    machine(gpus=0)
    assert Mig(uuid="MIG-1b2c").missing() == "MIG needs a GPU, and there is none: no driver"


def test_an_instance_is_named_by_its_uuid_and_by_nothing_else():
    with pytest.raises(ValidationError):
        Mig(uuid="GPU-1234")


def test_the_worker_sees_its_instance_as_device_0():
    step = {"data": {"uses": "synthetic.items"}, "stages": {"a": {"uses": "synthetic.noop"}}}
    bench = Benchmark(name="b", pipelines={"p": step})
    place = ResolvedPlacement("cuda:1", (0,), 1, "normal")
    plan = Plan(Request(bench=bench), {}, {"p": place}, {}, harness=(0,))
    with (
        Mig(uuid="MIG-1b2c").together("cuda:1") as shared,
        Mig(uuid="MIG-1b2c").around("cuda:1") as own,
    ):
        variables = {**shared, **own}
    assert variables == {"CUDA_VISIBLE_DEVICES": "MIG-1b2c"}
    assert plan.surroundings("p", variables).device == "cuda:0"
    assert plan.surroundings("p", {}).device == "cuda:1"
