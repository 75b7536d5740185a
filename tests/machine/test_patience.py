"""Questions to a driver that hangs."""

from __future__ import annotations

import threading

import pytest

from mlbench.machine import gpu
from mlbench.machine.patience import in_time

pytestmark = pytest.mark.unit


def test_an_answer_comes_back() -> None:
    assert in_time(lambda: "yes", seconds=30) == "yes"


def test_an_answer_of_nothing_is_one() -> None:
    assert in_time(lambda: None, seconds=30) is None


def test_an_error_comes_back_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 // 0, seconds=30)


def test_who_does_not_come_back_is_left_behind() -> None:
    for_ever = threading.Event()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"):
        in_time(for_ever.wait, seconds=0.01)
    for_ever.set()


class Hangs:
    """A pynvml whose driver is in trouble."""

    class NVMLError(Exception):
        """What pynvml raises."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def nvmlInit(self) -> None:
        self.let_go.wait()
        raise self.NVMLError("gone")


def test_a_driver_that_hangs_is_a_machine_without_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "PATIENCE_S", 0.01)
    nvml = Hangs()
    assert gpu.device_count(nvml) == 0
    found = gpu.read_gpus(nvml=nvml)
    assert found.devices == ()
    assert "driver hangs" in found.reasons["devices"]
    nvml.let_go.set()
