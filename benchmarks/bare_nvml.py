"""The calls of the sampler and nothing else: what reading NVML and clocks takes at a pace.

pynvml's own functions ask each GPU what the probes ask it, and the clock of each process is
read; the answers are thrown away. That is the floor that the sampler's cost stands beside: to
wake up in a cold cache, and to make these calls. It runs in a process of its own, because
the library that it meets is chosen when a process starts.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Pace", "bare_share"]

POWER, TRAFFIC = [186, 185, 83], [197, 198]
GPM_NUMBERS = (2, 3, 5, 10, 20, 21, 60, 61, 174)
SELDOM_S = 0.1
"""As the probes: what a driver renews seldom is asked ten times a second."""

Ask = Callable[[], None]


class Pace:
    """Calls a function at absolute deadlines, and counts the processor time."""

    def __init__(self, rate: float, seconds: float) -> None:
        self._period_s = 1 / rate
        self._seconds = seconds

    def share(self, ask: Ask) -> float:
        """Processor time over wall time, 0 to 1."""
        begin_s, begin_cpu_s = time.monotonic(), _cpu_s()
        deadline_s, end_s = begin_s, begin_s + self._seconds
        while deadline_s < end_s:
            time.sleep(max(0.0, deadline_s - time.monotonic()))
            ask()
            deadline_s += self._period_s
        return (_cpu_s() - begin_cpu_s) / (time.monotonic() - begin_s)


def bare_share(rate: float, seconds: float, pids: Sequence[int]) -> float:
    """The share of one core that all calls take at ``rate`` readings a second."""
    import pynvml

    pynvml.nvmlInit()
    try:
        devices = [
            _Device(pynvml, pynvml.nvmlDeviceGetHandleByIndex(index))
            for index in range(pynvml.nvmlDeviceGetCount())
        ]
        return Pace(rate, seconds).share(_asking(devices, [~pid << 3 | 2 for pid in pids]))
    finally:
        pynvml.nvmlShutdown()


def _asking(devices: Sequence[_Device], clocks: Sequence[int]) -> Ask:
    seldom_s = 0.0

    def ask() -> None:
        nonlocal seldom_s
        for device in devices:
            device.often()
        if time.monotonic() - seldom_s >= SELDOM_S * 0.9:
            seldom_s = time.monotonic()
            for device in devices:
                device.seldom()
        for clock in clocks:
            time.clock_gettime_ns(clock)

    return ask


class _Device:
    def __init__(self, nvml: Any, handle: Any) -> None:  # Any: pynvml has no types
        self._nvml = nvml
        self._handle = handle
        self._samples = [nvml.nvmlGpmSampleAlloc(), nvml.nvmlGpmSampleAlloc()]
        for sample in self._samples:
            nvml.nvmlGpmSampleGet(handle, sample)
        self._metrics = nvml.c_nvmlGpmMetricsGet_t()
        self._metrics.version, self._metrics.numMetrics = 1, len(GPM_NUMBERS)
        for index, number in enumerate(GPM_NUMBERS):
            self._metrics.metrics[index].metricId = number

    def often(self) -> None:
        """What is read at every tick."""
        nvml, handle = self._nvml, self._handle
        nvml.nvmlDeviceGetFieldValues(handle, POWER)
        nvml.nvmlDeviceGetMemoryInfo(handle)
        nvml.nvmlDeviceGetFieldValues(handle, TRAFFIC)

    def seldom(self) -> None:
        """What is read ten times a second at most."""
        nvml, handle = self._nvml, self._handle
        nvml.nvmlDeviceGetUtilizationRates(handle)
        nvml.nvmlDeviceGetComputeRunningProcesses_v3(handle)
        nvml.nvmlDeviceGetMPSComputeRunningProcesses_v3(handle)
        _tolerant(nvml, lambda: nvml.nvmlDeviceGetProcessUtilization(handle, 0))
        self._samples.reverse()
        nvml.nvmlGpmSampleGet(handle, self._samples[1])
        self._metrics.sample1, self._metrics.sample2 = self._samples
        _tolerant(nvml, lambda: nvml.nvmlGpmMetricsGet(self._metrics))


def _tolerant(nvml: Any, ask: Callable[[], object]) -> None:  # Any: pynvml has no types
    """Ask, and take a refusal for an answer: nothing new since the last time, or too soon."""
    try:
        ask()
    except nvml.NVMLError:
        return


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    told = bare_share(float(sys.argv[1]), float(sys.argv[2]), [int(pid) for pid in sys.argv[3:]])
    sys.stdout.write(f"{told}\n")
