"""Probe: the machine as a whole: its processors, its memory, and who waited for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from mlbench.interfaces.probe import Context, Device, Metric, Probe, Reading, Source
from mlbench.probes.held import Held

__all__ = ["Host"]

STAT, MEMORY, PRESSURE = "/proc/stat", "/proc/meminfo", "/proc/pressure"
NO_PRESSURE = "the kernel does not account for pressure: boot it with psi=1"
PRESSURES = ("cpu", "memory", "io")
STAT_BYTES = 1 << 14


def _metric(
    name: str,
    unit: str,
    source: str,
    meaning: str,
    kind: Literal["level", "mean"] = "mean",
    of: Literal["machine", "device"] = "machine",
) -> Metric:
    return Metric(name, unit, source, kind, "slow", of, meaning)


def _pressure(what: str, who: str) -> Metric:
    name = f"host_pressure_{what}" + ("" if who == "some" else "_full")
    return _metric(name, "%", f"{PRESSURE}/{what}", f"time in which {who} tasks waited for it")


class Host(Probe):
    """Processors, memory and pressure of the machine.

    Ticks of processors are 10 ms long, so a reading of half a second resolves 2 %.
    """

    thread = "kernel"
    metrics = (
        _metric("host_cpu_busy", "%", STAT, "time in which a processor ran something", of="device"),
        _metric("host_cpu_steal", "%", STAT, "time that a hypervisor took, over all processors"),
        _metric("host_memory_used", "bytes", MEMORY, "total less available", "level"),
        _metric("host_memory_available", "bytes", MEMORY, "without swapping", "level"),
        *(_pressure(what, "some") for what in PRESSURES),
        *(_pressure(what, "all") for what in ("memory", "io")),
    )

    @contextmanager
    def open(self, context: Context) -> Iterator[Source]:
        """Yield what its files say."""
        proc = context.root / "proc"
        parts = [
            *_part(context, proc / "stat", ("host_cpu_busy", "host_cpu_steal"), _Processors),
            *_part(
                context, proc / "meminfo", ("host_memory_used", "host_memory_available"), _Memory
            ),
        ]
        for what in PRESSURES:
            names = tuple(m.name for m in self.metrics if m.source == f"{PRESSURE}/{what}")
            parts += _part(context, proc / "pressure" / what, names, partial(_Waited, what))
        try:
            yield lambda _: (reading for part in parts for reading in part.read())
        finally:
            for part in parts:
                part.file.close()


class _Part:
    """One file that is held, and what it says."""

    def __init__(self, file: Held, context: Context) -> None:
        self.file = file
        self.context = context

    def read(self) -> Iterator[Reading]:
        """The readings of this moment."""
        raise NotImplementedError


def _part(
    context: Context, path: Path, metrics: tuple[str, ...], kind: Callable[[Held, Context], _Part]
) -> list[_Part]:
    """The part, or the reason why its metrics cannot be had."""
    try:
        file = Held(path, STAT_BYTES)
        file.read()  # a kernel that was booted without pressure has the files and refuses
    except OSError as error:
        reason = NO_PRESSURE if "pressure" in path.parts else f"{path}: {error.strerror}"
        for metric in metrics:
            context.missing(metric, reason)
        return []
    return [kind(file, context)]


class _Processors(_Part):
    """Busy time of each processor, and stolen time of all."""

    def __init__(self, file: Held, context: Context) -> None:
        super().__init__(file, context)
        self._before, self._at_ns = self._counts(), context.clock()
        for cpu in self._before:
            if cpu != "cpu":
                context.device(Device(cpu, "cpu", STAT))

    def _counts(self) -> dict[str, tuple[int, int, int]]:
        """Busy, stolen and all ticks of each processor, and of ``cpu``: all of them."""
        found = {}
        for line in self.file.read().splitlines():
            if not line.startswith(b"cpu"):  # the processors come first
                break
            name, *ticks = line.split()
            # Guest time, the ninth and tenth, is in user time already.
            user, nice, system, idle, waiting, interrupts, soft, stolen = map(int, ticks[:8])
            busy = user + nice + system + interrupts + soft
            found[name.decode()] = (busy, stolen, busy + stolen + idle + waiting)
        return found

    def read(self) -> Iterator[Reading]:
        """Shares of the time since the last reading."""
        before, begin_ns = self._before, self._at_ns
        now, now_ns = self._counts(), self.context.clock()
        self._before, self._at_ns = now, now_ns
        for cpu, counts in now.items():
            busy, stolen, total = (
                a - b for a, b in zip(counts, before.get(cpu, counts), strict=True)
            )
            if total <= 0:
                continue
            if cpu == "cpu":
                yield Reading("host_cpu_steal", 100 * stolen / total, now_ns, begin_ns)
            else:
                yield Reading("host_cpu_busy", 100 * busy / total, now_ns, begin_ns, cpu)


class _Memory(_Part):
    """Used and available memory."""

    def read(self) -> Iterator[Reading]:
        """As they are now; the kernel's kB are KiB."""
        words = self.file.read().split(maxsplit=9)
        sizes: Mapping[bytes, bytes] = dict(zip(words[::3], words[1::3], strict=False))
        now_ns = self.context.clock()
        total, available = (sizes.get(key) for key in (b"MemTotal:", b"MemAvailable:"))
        if total is None or available is None:
            return
        free = int(available) * 1024
        yield Reading("host_memory_available", free, now_ns)
        yield Reading("host_memory_used", int(total) * 1024 - free, now_ns)


class _Waited(_Part):
    """Pressure: its totals are differenced, because its averages lag by ten seconds."""

    def __init__(self, what: str, file: Held, context: Context) -> None:
        super().__init__(file, context)
        self._names = {b"some": f"host_pressure_{what}", b"full": f"host_pressure_{what}_full"}
        if what == "cpu":  # of the whole machine there is always one that runs: full is 0
            del self._names[b"full"]
        self._before, self._at_ns = self._totals(), context.clock()

    def _totals(self) -> dict[bytes, int]:
        """Microseconds since boot, of ``some`` and of ``full``."""
        lines = self.file.read().splitlines()
        return {line.split(maxsplit=1)[0]: int(line.rpartition(b"total=")[2]) for line in lines}

    def read(self) -> Iterator[Reading]:
        """Shares of the time since the last reading."""
        before, begin_ns = self._before, self._at_ns
        now, now_ns = self._totals(), self.context.clock()
        self._before, self._at_ns = now, now_ns
        for kind, metric in self._names.items():
            if kind in now and kind in before and now_ns > begin_ns:
                waited_ns = 1000 * (now[kind] - before[kind])
                share = min(100.0, 100 * waited_ns / (now_ns - begin_ns))
                yield Reading(metric, share, now_ns, begin_ns)
