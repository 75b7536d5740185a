"""What others do to this machine while nothing of ours runs: the noise of a measurement."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlbench.machine import kernel
from mlbench.machine.cpu import available_cpus
from mlbench.machine.missing import explained

__all__ = ["Contention", "Ticks", "read_ticks", "watch"]


@dataclass(frozen=True)
class Contention:
    """Shares from 0 to 1 over an interval. What is null has its reason in ``reasons``.

    Parameters
    ----------
    seconds
        Length of the interval.
    busy_share
        Time in which the processors that this process may use ran something.
    steal_share, steal_share_since_boot
        Time that a hypervisor took from them while they had something to run.
    pressure_share
        Time in which some task of the machine waited for a processor (PSI).
    load_average
        Runnable and uninterruptible tasks of the machine, mean over the last minute.
    reasons
        Why a field is null, by its name.
    """

    seconds: float
    busy_share: float | None = None
    steal_share: float | None = None
    steal_share_since_boot: float | None = None
    pressure_share: float | None = None
    load_average: float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ticks:
    """What some processors have done since boot, in the kernel's clock ticks."""

    busy: int
    idle: int
    steal: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.busy + self.idle + self.steal

    def since(self, earlier: Ticks) -> Ticks:
        """What was done after ``earlier``."""
        return Ticks(self.busy - earlier.busy, self.idle - earlier.idle, self.steal - earlier.steal)


NO_STAT = "the kernel does not count the processors' time"
REASONS = {
    "busy_share": NO_STAT,
    "steal_share": NO_STAT,
    "steal_share_since_boot": NO_STAT,
    "pressure_share": "the kernel does not account for pressure (PSI is off or not there)",
    "load_average": "the kernel does not say the load average",
}


def watch(
    seconds: float = 0.5,
    root: Path = Path("/"),
    available: tuple[int, ...] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Contention:
    """What others do in the next ``seconds``, during which this thread sleeps.

    Parameters
    ----------
    seconds
        Half a second resolves 2 % on one processor: the kernel counts 100 ticks a second.
    root
        Where ``proc`` is.
    available
        The processors to look at; default: those that this process may use.
    sleep, clock
        How to wait, and what says how long it was.
    """
    cpus = available_cpus() if available is None else available
    begin, ticks, pressure_us = clock(), read_ticks(root, cpus), _pressure_us(root)
    sleep(seconds)
    elapsed, later, later_us = clock() - begin, read_ticks(root, cpus), _pressure_us(root)
    done = None if ticks is None or later is None else later.since(ticks)
    waited_us = None if pressure_us is None or later_us is None else later_us - pressure_us
    contention = Contention(
        seconds=elapsed,
        busy_share=None if done is None else _share(done.busy, done.total),
        steal_share=None if done is None else _share(done.steal, done.total),
        steal_share_since_boot=None if later is None else _share(later.steal, later.total),
        pressure_share=None if waited_us is None else _share(waited_us, elapsed * 1e6),
        load_average=_load_average(root),
    )
    return explained(contention, REASONS)


def read_ticks(root: Path, cpus: tuple[int, ...]) -> Ticks | None:
    """What ``cpus`` have done since boot, together; null if the kernel does not say."""
    names = {f"cpu{cpu}" for cpu in cpus}
    busy = idle = steal = 0
    for line in (kernel.text(root / "proc/stat") or "").splitlines():
        name, *counts = line.split()
        if name in names and len(counts) >= 8:
            # Guest time, the ninth and tenth, is in user time already.
            user, nice, system, idling, waiting, interrupts, soft, stolen = map(int, counts[:8])
            busy += user + nice + system + interrupts + soft
            idle += idling + waiting
            steal += stolen
    return Ticks(busy, idle, steal) if busy + idle + steal else None


def _share(part: float, whole: float) -> float | None:
    return min(1.0, max(0.0, part / whole)) if whole > 0 else None


def _pressure_us(root: Path) -> int | None:
    """Microseconds since boot; its running averages lag by ten seconds, so it is differenced."""
    for line in (kernel.text(root / "proc/pressure/cpu") or "").splitlines():
        kind, *pairs = line.split()
        if kind == "some":
            total = dict(pair.split("=", 1) for pair in pairs).get("total", "")
            return int(total) if total.isdigit() else None
    return None


def _load_average(root: Path) -> float | None:
    try:
        return float((kernel.text(root / "proc/loadavg") or "").split(" ")[0])
    except ValueError:
        return None
