"""Devices that are asked together, and one by one when something is not well: without a driver."""

from __future__ import annotations

from ctypes import c_uint

import pytest
from test_columns import Now, Nvml, NVMLError

from mlbench.interfaces.probe import Context, Row
from mlbench.probes.nvml_columns import Column, Columns
from mlbench.probes.nvml_panels import Place, Shared

pytestmark = pytest.mark.unit


class Devices:
    """Some devices with a number each, and what they were asked."""

    def __init__(self, count: int) -> None:
        self.columns = Columns(Nvml(), Context(clock=Now()))
        self.codes = [0] * count
        self.calls = [0] * count
        self._shared = Shared(count)
        for index in range(count):
            self._join(index)
        self.columns.add_panel(self._shared.panel("number", "I"))

    def _join(self, index: int) -> None:
        room = self._shared.room("number", c_uint * 1)

        def call() -> int:
            self.calls[index] += 1
            room[0] = 10 * index
            return self.codes[index]

        def settle(code: int, now_ns: int) -> list[Row]:
            if code:
                raise NVMLError(code)
            return [("m", float(room[0]), now_ns, None, f"gpu{index}", None, None)]

        column = Column(f"gpu{index}", "fast", ("m",), lambda: settle(call(), 0), settle=settle)
        self._shared.joins("number", column, call, [Place("m")])

    def read(self) -> dict[str | None, float]:
        """The number of each device that gave one."""
        return {row[4]: row[1] for row in self.columns.read("fast")}


def test_devices_that_are_well_are_asked_together() -> None:
    devices = Devices(3)
    assert devices.read() == {"gpu0": 0, "gpu1": 10, "gpu2": 20}
    assert devices.columns.groups == {}
    assert devices.calls == [1, 1, 1]


def test_one_that_fails_in_passing_leaves_out_its_own_reading() -> None:
    devices = Devices(3)
    devices.codes[1] = 999
    assert devices.read() == {"gpu0": 0, "gpu2": 20}
    devices.codes[1] = 0
    assert devices.read() == {"gpu0": 0, "gpu1": 10, "gpu2": 20}
    assert devices.calls == [2, 2, 2]


def test_one_that_is_lost_is_asked_no_more() -> None:
    devices = Devices(3)
    devices.codes[2] = 15
    devices.read()
    assert devices.read() == {"gpu0": 0, "gpu1": 10}
    assert devices.calls == [2, 2, 1]
    assert set(devices.columns.context.ended) == {"gpu2"}
