"""What doctor says of samples that cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlbench.machine.gpu import Gpu, Gpus
from mlbench.machine.telemetry_findings import counts_pressure, judge_telemetry

pytestmark = pytest.mark.unit


def test_a_kernel_without_pressure_says_how_to_boot_it() -> None:
    (finding,) = judge_telemetry(Gpus(), pressure=False)
    assert (finding.subject, finding.status) == ("pressure", "note")
    assert "psi=1" in finding.fix
    assert list(judge_telemetry(Gpus(), pressure=True)) == []


def test_pressure_is_looked_for_where_the_kernel_shows_it(plant, tmp_path: Path) -> None:
    assert not counts_pressure(tmp_path)
    assert counts_pressure(plant({"proc/pressure/cpu": "some avg10=0.00 total=5\n"}))


@pytest.mark.parametrize(("capability", "status"), [("9.0", "ok"), ("12.0", "ok"), ("8.6", "note")])
def test_a_gpu_says_whether_its_activity_is_counted(capability: str, status: str) -> None:
    gpus = Gpus((Gpu(1, compute_capability=capability),))
    (finding,) = judge_telemetry(gpus, pressure=True)
    assert (finding.subject, finding.status) == ("gpu 1", status)
    assert "GPM" in finding.text


def test_a_gpu_that_says_nothing_of_itself_is_not_judged() -> None:
    assert list(judge_telemetry(Gpus((Gpu(0),)), pressure=True)) == []
