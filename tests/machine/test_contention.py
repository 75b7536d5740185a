"""What others do, as the difference of what the kernel counted before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlbench.machine.contention import Contention, watch

from .conftest import Plant

pytestmark = pytest.mark.unit

BEFORE = {
    "proc/stat": (
        "cpu 0 0 0 0 0 0 0 0 0 0\n"
        "cpu0 100 0 0 800 50 0 0 50 0 0\n"
        "cpu1 900 0 0 0 0 0 0 0 0 0\nintr 1\n"
    ),
    "proc/pressure/cpu": "some avg10=9.00 avg60=0.00 avg300=0.00 total=1000000\nfull total=0\n",
    "proc/loadavg": "1.50 0.70 0.10 1/85 4747\n",
}

AFTER = {
    "proc/stat": (
        "cpu0 110 5 5 860 55 3 2 60 0 0\n"  # 25 busy, 65 idle, 10 stolen
        "cpu1 999 0 0 0 0 0 0 0 0 0\n"
    ),
    "proc/pressure/cpu": "some avg10=9.00 avg60=0.00 avg300=0.00 total=1250000\n",
}


def watched(plant: Plant, available: tuple[int, ...] = (0,)) -> Contention:
    times = iter([10.0, 11.0])

    def sleep(_: float) -> None:
        plant(AFTER)

    return watch(1.0, plant(BEFORE), available, sleep, clock=lambda: next(times))


def test_busy_and_stolen_shares_are_of_the_available_processors(plant: Plant) -> None:
    found = watched(plant)
    assert found.busy_share == pytest.approx(0.25)
    assert found.steal_share == pytest.approx(0.10)
    assert found.steal_share_since_boot == pytest.approx(60 / 1100)


def test_pressure_is_the_difference_of_its_total(plant: Plant) -> None:
    assert watched(plant).pressure_share == pytest.approx(0.25)


def test_the_load_average_is_of_the_last_minute(plant: Plant) -> None:
    assert watched(plant).load_average == 1.5


def test_processors_that_are_not_counted_have_no_shares(plant: Plant) -> None:
    found = watched(plant, available=(7,))
    assert found.busy_share is None
    assert set(found.reasons) == {"busy_share", "steal_share", "steal_share_since_boot"}


def test_a_system_without_these_files_says_so(tmp_path: Path) -> None:
    found = watch(0.0, tmp_path, (0,), sleep=lambda _: None)
    assert len(found.reasons) == 5
