"""What each call of NVML costs that a probe makes, or must not make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any

import numpy as np

from benchmarks.gpu_check.part import Site
from mlbench.probes.nvml_calls import FieldCall, ProcessCall, UtilizationCall

__all__ = ["call_costs"]

TIMES, LIMIT_NS = 200, 1_000_000_000
FIELDS = (186, 185, 83)

PLAIN: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("nvmlDeviceGetMemoryInfo", ()),
    ("nvmlDeviceGetUtilizationRates", ()),
    ("nvmlDeviceGetPowerUsage", ()),
    ("nvmlDeviceGetTotalEnergyConsumption", ()),
    ("nvmlDeviceGetClockInfo", (1,)),
    ("nvmlDeviceGetTemperature", (0,)),
    ("nvmlDeviceGetGraphicsRunningProcesses_v3", ()),
    ("nvmlDeviceGetPcieThroughput", (0,)),
)
"""Functions of pynvml with what they take besides the device; no probe makes the last two."""

Call = Callable[[], object]


def call_costs(site: Site) -> dict[str, Any]:
    """Microseconds of each call, by its name: ``{median_us, p99_us, calls, error}``."""
    return {name: _cost(site, make) for name, make in _calls(site)}


def _calls(site: Site) -> Iterator[tuple[str, Callable[[], Call]]]:
    """What makes each call: a driver may not have the function."""
    nvml, handle = site.nvml, site.handle
    yield (
        "nvmlDeviceGetFieldValues: power, its mean, energy",
        lambda: FieldCall(nvml, handle, FIELDS),
    )
    yield from (_of_processes(site, kind) for kind in ("Compute", "MPSCompute"))
    yield "nvmlDeviceGetProcessUtilization", lambda: _utilization(site)
    for name, arguments in PLAIN:
        yield name, _plain(getattr(nvml, name), handle, *arguments)


def _of_processes(site: Site, kind: str) -> tuple[str, Callable[[], Call]]:
    name = f"nvmlDeviceGet{kind}RunningProcesses_v3"
    return name, lambda: ProcessCall(site.nvml, name, site.handle)


def _utilization(site: Site) -> Call:
    call = UtilizationCall(site.nvml, site.handle)
    return lambda: call(0)


def _plain(function: Callable[..., object], *arguments: object) -> Callable[[], Call]:
    return lambda: lambda: function(*arguments)


def _cost(site: Site, make: Callable[[], Call]) -> dict[str, Any]:
    try:
        call = make()
    except site.nvml.NVMLError as error:
        return {"error": str(error)}
    spent: list[int] = []
    end_ns = perf_counter_ns() + LIMIT_NS
    reason = None
    while len(spent) < TIMES and perf_counter_ns() < end_ns:
        begin_ns = perf_counter_ns()
        try:
            call()
        except site.nvml.NVMLError as error:
            reason = str(error)
        spent.append(perf_counter_ns() - begin_ns)
    median, p99 = np.quantile(spent, (0.5, 0.99), method="inverted_cdf") / 1e3
    found = {"median_us": float(median), "p99_us": float(p99), "calls": len(spent)}
    return found if reason is None else {**found, "error": reason}
