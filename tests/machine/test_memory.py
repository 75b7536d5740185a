"""The memory, read from a made-up machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlbench.machine.memory import read_memory

from .conftest import Plant

pytestmark = pytest.mark.unit


def test_the_kernels_kilobytes_become_bytes(plant: Plant) -> None:
    lines = "MemTotal:  2048 kB\nMemAvailable: 1024 kB\nSwapTotal: 8 kB\nSwapFree: 0 kB\n"
    memory = read_memory(plant({"proc/meminfo": lines}))
    assert (memory.total_bytes, memory.available_bytes) == (2 << 20, 1 << 20)
    assert (memory.swap_total_bytes, memory.swap_free_bytes) == (8192, 0)
    assert set(memory.reasons) == {"limit_bytes"}


def test_what_no_file_says_is_null_with_a_reason(tmp_path: Path) -> None:
    memory = read_memory(tmp_path)
    assert memory.total_bytes is None
    assert "total_bytes" in memory.reasons
