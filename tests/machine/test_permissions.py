"""Rights and limits."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from mlbench.machine.permissions import FIXES, Permissions, may_set_realtime, read_permissions

from .conftest import Plant

pytestmark = pytest.mark.unit

SYS_NICE = 1 << 23


@pytest.mark.parametrize(
    ("capabilities", "limit", "allowed"),
    [
        (0, (0, 0), False),
        (SYS_NICE, (0, 0), True),
        (0, (0, 50), True),  # the soft limit can be raised
        (0, (-1, -1), True),
        (0, None, None),
    ],
)
def test_real_time_takes_a_capability_or_a_limit(
    capabilities: int, limit: tuple[int, int] | None, allowed: bool | None
) -> None:
    assert may_set_realtime(capabilities, limit) is allowed


def test_the_capability_is_read_from_the_process(plant: Plant) -> None:
    root = plant({"proc/self/status": f"Name:\tpython\nCapEff:\t{SYS_NICE:016x}\n"})
    assert read_permissions(root).realtime is True


def test_the_kernels_levels_are_read(plant: Plant) -> None:
    root = plant(
        {
            "proc/sys/kernel/perf_event_paranoid": "4\n",
            "proc/sys/fs/pipe-max-size": "1048576\n",
            "sys/class/powercap/intel-rapl:0/energy_uj": "12\n",
        }
    )
    permissions = read_permissions(root)
    assert permissions.perf_event_paranoid == 4
    assert permissions.pipe_max_bytes == 1 << 20
    assert permissions.rapl is True


def test_counters_that_are_not_there_are_null_not_forbidden(tmp_path: Path) -> None:
    permissions = read_permissions(tmp_path)
    assert permissions.rapl is None
    assert permissions.shared_memory_bytes is None
    assert {"rapl", "shared_memory_bytes"} <= set(permissions.reasons)


def test_each_has_what_to_type() -> None:
    assert set(FIXES) == {field.name for field in fields(Permissions)} - {"reasons"}
