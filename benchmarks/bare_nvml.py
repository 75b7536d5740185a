"""The questions of the sampler and nothing else: what it takes to ask them at a pace.

``calls`` has pynvml's own functions ask each GPU what the probes ask it; ``files`` reads the
clocks and files of so many processes, and those of the machine, as the probes do. The answers
are thrown away. That is the floor that the sampler's cost stands beside: to wake up in a cold
cache, and to ask. It runs in a process of its own, because the library that it meets is
chosen when a process starts.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["Pace", "bare_share"]

POWER, TRAFFIC = [186, 185, 83], [197, 198]
GPM_NUMBERS = (2, 3, 5, 10, 20, 21, 60, 61, 174)
SELDOM_S, SLOW_S, RARE_S = 0.1, 0.5, 1.0
"""As the probes: what a driver renews seldom is asked ten times a second; the slow tier twice,
and the rare one once."""

MACHINE = ("stat", "meminfo", "pressure/cpu", "pressure/memory", "pressure/io")

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


def bare_share(what: str, rate: float, seconds: float, processes: int) -> float:
    """The share of one core that all ``calls``, or all ``files``, take at a pace.

    Parameters
    ----------
    rate
        Readings a second.
    processes
        How many are read.
    """
    if what == "files":
        with _idle(processes) as pids, _Files(pids) as files:
            return Pace(rate, seconds).share(files.ask)
    import pynvml

    pynvml.nvmlInit()
    try:
        handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        return Pace(rate, seconds).share(_asking([_Device(pynvml, each) for each in handles]))
    finally:
        pynvml.nvmlShutdown()


class _Every:
    """Calls some functions when so much time has passed since the last time."""

    def __init__(self, seconds: float, *asked: Ask) -> None:
        self._apart_s = seconds * 0.9
        self._asked = asked
        self._at_s = 0.0

    def ask(self) -> None:
        """Call them, if it is time."""
        if time.monotonic() - self._at_s >= self._apart_s:
            self._at_s = time.monotonic()
            for ask in self._asked:
                ask()


def _asking(devices: Sequence[_Device]) -> Ask:
    seldom = _Every(SELDOM_S, *(device.seldom for device in devices))
    slow = _Every(SLOW_S, *(device.slow for device in devices))

    def ask() -> None:
        for device in devices:
            device.often()
        seldom.ask()
        slow.ask()

    return ask


@contextmanager
def _idle(count: int) -> Iterator[list[int]]:
    """So many processes that do nothing."""
    idle = [subprocess.Popen(["sleep", "1000"]) for _ in range(count)]
    try:
        yield [process.pid for process in idle]
    finally:
        for process in idle:
            process.kill()
            process.wait()


class _Files:
    """The clocks and files of processes and of the machine."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._clocks = [~pid << 3 | 2 for pid in pids]
        self._own = [f"/proc/{pid}" for pid in pids]
        self._stack = ExitStack()
        self._slow = self._held([*(f"{own}/stat" for own in self._own), *_machine()])
        self._io = self._held([f"{own}/io" for own in self._own])
        self._every = _Every(SLOW_S, self._read_slow), _Every(RARE_S, self._read_rare)

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _held(self, paths: Sequence[str]) -> list[int]:
        found = [os.open(path, os.O_RDONLY) for path in paths]
        for fd in found:
            self._stack.callback(os.close, fd)
        return found

    def ask(self) -> None:
        """What is read at every tick, and at this one."""
        for clock in self._clocks:
            time.clock_gettime_ns(clock)
        for every in self._every:
            every.ask()

    def _read_slow(self) -> None:
        for fd in self._slow:
            os.pread(fd, 4096, 0)

    def _read_rare(self) -> None:
        for fd in self._io:
            os.pread(fd, 4096, 0)
        for own in self._own:
            for thread in os.listdir(f"{own}/task"):
                for name in ("status", "children"):
                    fd = os.open(f"{own}/task/{thread}/{name}", os.O_RDONLY)
                    os.read(fd, 4096)
                    os.close(fd)


def _machine() -> Iterator[str]:
    """The files of the machine that this kernel lets be read."""
    for name in MACHINE:
        path = Path("/proc", name)
        with suppress(OSError):
            path.read_bytes()
            yield str(path)


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

    def slow(self) -> None:
        """What is read twice a second."""
        nvml, handle = self._nvml, self._handle
        nvml.nvmlDeviceGetClockInfo(handle, 1)
        nvml.nvmlDeviceGetClockInfo(handle, 2)
        nvml.nvmlDeviceGetTemperatureV(handle, 0)
        nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)


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
    told = bare_share(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
    sys.stdout.write(f"{told}\n")
