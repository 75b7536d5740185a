"""The machine as a whole, and its energy counters, over made-up files of a kernel."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from plant import Plant

from mlbench.interfaces.probe import Context, Reading, Row
from mlbench.probes.host import Host
from mlbench.probes.rapl import Rapl

pytestmark = pytest.mark.unit


class Clock:
    """The time, as it is told."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


def processors(*ticks: str) -> str:
    """``/proc/stat`` of some processors; the first line is their sum, here of no interest."""
    lines = [f"cpu{number} {each}" for number, each in enumerate(ticks)]
    total = [
        sum(map(int, column)) for column in zip(*(each.split() for each in ticks), strict=True)
    ]
    return "\n".join([f"cpu {' '.join(map(str, total))}", *lines, "intr 1 2 3", "ctxt 5"]) + "\n"


def pressure(some_us: int, full_us: int = 0) -> str:
    averages = "avg10=9.99 avg60=9.99 avg300=9.99"
    return f"some {averages} total={some_us}\nfull {averages} total={full_us}\n"


FILES = {
    "proc/stat": processors("100 0 0 100 0 0 0 0 0 0", "0 0 0 200 0 0 0 0 0 0"),
    "proc/meminfo": "MemTotal:  1000 kB\nMemFree:  100 kB\nMemAvailable:  400 kB\nBuffers: 1 kB\n",
    "proc/pressure/cpu": pressure(1000),
    "proc/pressure/memory": pressure(0),
    "proc/pressure/io": pressure(500, 100),
}


def values(rows: Iterable[Row]) -> dict[tuple[str, str | None], float]:
    readings = (Reading(*row) for row in rows)
    return {(reading.metric, reading.device): reading.value for reading in readings}


def test_the_machine_is_read_as_shares_of_the_time_between_two_readings(plant: Plant) -> None:
    root, clock = plant(FILES), Clock()
    context = Context(root=root, clock=clock)
    with Host().open(context) as read:
        clock.ns = 500_000_000
        plant(
            {
                "proc/stat": processors("130 5 5 150 10 0 0 0 0 0", "0 0 0 250 0 0 0 50 0 0"),
                "proc/pressure/cpu": pressure(1000 + 250_000),
                "proc/pressure/io": pressure(500 + 50_000, 100 + 25_000),
            }
        )
        rows = [Reading(*row) for row in read("slow")]
    found = values(rows)
    assert found["host_cpu_busy", "cpu0"] == pytest.approx(40)
    assert found["host_cpu_busy", "cpu1"] == 0
    assert found["host_cpu_steal", None] == pytest.approx(25)
    assert found["host_memory_available", None] == 400 * 1024
    assert found["host_memory_used", None] == 600 * 1024
    assert found["host_pressure_cpu", None] == pytest.approx(50)
    assert found["host_pressure_memory", None] == 0
    assert found["host_pressure_io", None] == pytest.approx(10)
    assert found["host_pressure_io_full", None] == pytest.approx(5)
    assert {(row.start_ns, row.end_ns) for row in rows if row.start_ns is not None} == {
        (0, 500_000_000)
    }
    assert {row.metric for row in rows} == {metric.name for metric in Host.metrics}
    assert context.nulls == {}


def test_processors_are_devices(plant: Plant) -> None:
    context = Context(root=plant(FILES))
    with Host().open(context):
        assert list(context.devices) == ["cpu0", "cpu1"]


def test_a_kernel_without_pressure_says_how_to_get_it(plant: Plant) -> None:
    root = plant({path: text for path, text in FILES.items() if "pressure" not in path})
    context = Context(root=root)
    with Host().open(context) as read:
        assert "host_memory_used" in {metric for metric, *_ in read("slow")}
    assert "psi=1" in context.nulls["host_pressure_cpu", None]


# -- energy counters ---------------------------------------------------------------------

ZONES = {
    "sys/class/powercap/intel-rapl:0/name": "package-0",
    "sys/class/powercap/intel-rapl:0/energy_uj": "1000000",
    "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "10000000",
    "sys/class/powercap/intel-rapl:0:1/name": "dram",
    "sys/class/powercap/intel-rapl:0:1/energy_uj": "500000",
    "sys/class/powercap/intel-rapl:0:1/max_energy_range_uj": "10000000",
}


def test_energy_is_the_increase_in_joules(plant: Plant) -> None:
    root, clock = plant(ZONES), Clock()
    context = Context(root=root, clock=clock)
    with Rapl().open(context) as read:
        assert list(read("medium")) == []
        clock.ns = 100_000_000
        plant({"sys/class/powercap/intel-rapl:0/energy_uj": "3500000"})
        assert values(list(read("medium"))) == {
            ("cpu_energy", "package-0"): pytest.approx(2.5),
            ("cpu_energy", "package-0/dram"): 0,
        }


def test_a_counter_that_wraps_goes_on_from_zero(plant: Plant) -> None:
    root = plant(ZONES)
    with Rapl().open(Context(root=root)) as read:
        list(read("medium"))
        plant({"sys/class/powercap/intel-rapl:0/energy_uj": "400000"})
        assert values(list(read("medium")))["cpu_energy", "package-0"] == pytest.approx(9.4)


def test_without_counters_there_is_a_reason(plant: Plant) -> None:
    context = Context(root=plant({}))
    with Rapl().open(context) as read:
        assert list(read("medium")) == []
    assert "hypervisor" in context.nulls["cpu_energy", None]
