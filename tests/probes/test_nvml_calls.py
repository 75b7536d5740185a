"""Calls of NVML into memory that grows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from mlbench.probes.nvml_calls import UtilizationCall

pytestmark = pytest.mark.unit

PROCESSES = 20
"""More than there is room for at first."""


def crowded(_handle: object, array: Any, count: Any, _seen: object) -> int:  # Any: of ctypes
    room, count._obj.value = count._obj.value, PROCESSES
    if room < PROCESSES:
        return int(pynvml.NVML_ERROR_INSUFFICIENT_SIZE)
    for index in range(PROCESSES):
        array[index].pid = index + 1
    return 0


def test_more_processes_than_there_was_room_for_are_all_told() -> None:
    nvml = SimpleNamespace(
        nvmlLib=SimpleNamespace(nvmlDeviceGetProcessUtilization=crowded),
        c_nvmlProcessUtilizationSample_t=pynvml.c_nvmlProcessUtilizationSample_t,
        NVMLError=pynvml.NVMLError,
    )
    call = UtilizationCall(nvml, handle=None)
    assert [each.pid for each in call(0)] == list(range(1, PROCESSES + 1))
    assert [pid for pid, *_ in call.rows(0)] == list(range(1, PROCESSES + 1))
