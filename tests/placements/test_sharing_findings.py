"""What doctor says of the ways to share a GPU."""

from __future__ import annotations

import pytest

from mlbench.machine.gpu import Gpu, Gpus, MigInstance
from mlbench.machine.software_findings import judge_gpus, judge_mps

pytestmark = pytest.mark.unit

ONE = Gpus(devices=(Gpu(0, "GPU-a"),), driver="580.1")


def test_without_a_gpu_nothing_is_said_of_mps():
    assert list(judge_mps(Gpus(), "/usr/bin/nvidia-cuda-mps-control")) == []


def test_mps_that_is_installed_is_named():
    (finding,) = judge_mps(ONE, "/usr/bin/nvidia-cuda-mps-control")
    assert finding.status == "ok"
    assert "sharing: mps" in finding.text


def test_mps_that_is_missing_says_where_it_comes_from():
    (finding,) = judge_mps(ONE, None)
    assert finding.status == "note"
    assert "nvidia-compute-utils" in finding.fix


def test_instances_of_mig_are_told_by_the_uuid_that_a_placement_names():
    instance = MigInstance("MIG-1b2c", "3g.40gb", 40 << 30, 1, 0)
    gpus = Gpus(devices=(Gpu(0, "GPU-a", mig=True, mig_instances=(instance,)),))
    told = " ".join(finding.text for finding in judge_gpus(gpus, own=1))
    assert "3g.40gb (MIG-1b2c)" in told
