"""The interface of probes: sources of samples, each with its metrics declared.

A probe is a frozen configuration, opened once in the sampler. It yields a function that is
called at the rate of each tier that its metrics name, and gives what it reads then::

    class Uptime(Probe):
        metrics = (Metric("uptime", "s", "CLOCK_BOOTTIME", tier="slow"),)

        @contextmanager
        def open(self, context: Context) -> Iterator[Source]:
            yield lambda tier: [Reading("uptime", clock_gettime(CLOCK_BOOTTIME), context.clock())]

What cannot be had is told once, ``context.missing("uptime", "why")``, and then left out: the
metric is null with that reason. A probe is read by a thread of its own, so one that does not
come back, or raises, ends its own metrics alone. Another vendor's devices are one more probe.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

__all__ = [
    "TIERS",
    "Context",
    "Device",
    "Kind",
    "Metric",
    "Probe",
    "Reading",
    "Row",
    "Source",
    "Tier",
]

Tier = Literal["fast", "medium", "slow", "rare", "ends"]
"""How often a metric is read: the spec's ``telemetry: {rates: ...}`` has a rate for each.

``ends``, which has none, is what costs too much during a load: it is read before it and after.
"""

TIERS: tuple[Tier, ...] = ("fast", "medium", "slow", "rare", "ends")

Kind = Literal["level", "mean", "increase"]
"""``level`` at one instant; ``mean`` over an interval; ``increase`` of a counter over one."""


@dataclass(frozen=True)
class Metric:
    """What a probe measures, and where the number comes from.

    Parameters
    ----------
    name
        Unique among all probes of a run.
    unit
        Of the value: ``W``, ``bytes``, ``%``.
    source
        The interface that gives it: a file, a function, a counter.
    kind
        What the value says of its interval.
    tier
        How often it is read.
    of
        What one value belongs to: the machine, a device, a pipeline, or a process on a device.
    meaning
        One sentence for a legend.
    """

    name: str
    unit: str
    source: str
    kind: Kind = "level"
    tier: Tier = "medium"
    of: Literal["machine", "device", "pipeline", "process"] = "machine"
    meaning: str = ""


@dataclass(frozen=True)
class Device:
    """Something that has metrics of its own.

    Parameters
    ----------
    name
        Unique in a run: ``gpu0``, ``gpu0/mig1``, ``cpu3``, ``package-0``.
    kind
        ``gpu``, ``mig``, ``cpu`` or ``package``.
    source
        The interface that found it; whatever comes from a stand-in says so here.
    uuid, model
        As its driver names it; null where it does not.
    parent
        Of a part, the device that it is a part of.
    memory_bytes
        All of its memory.
    power_period_ms, power_period_measured
        How often its power sensor publishes a value, and whether that was seen or assumed.
    power_window_ms
        Over how much of that time each value is the mean; null where nobody has measured it.
    """

    name: str
    kind: str
    source: str
    uuid: str | None = None
    model: str | None = None
    parent: str | None = None
    memory_bytes: int | None = None
    power_period_ms: float | None = None
    power_period_measured: bool = False
    power_window_ms: float | None = None


class Reading(NamedTuple):
    """One value of one metric over an interval of the run's clock.

    Parameters
    ----------
    metric
        Name of a metric that the probe declares.
    value
        In the metric's unit.
    end_ns, start_ns
        The interval; a value at one instant has no start.
    device, pipeline, pid
        What it belongs to.
    """

    metric: str
    value: float
    end_ns: int
    start_ns: int | None = None
    device: str | None = None
    pipeline: str | None = None
    pid: int | None = None


Row = tuple[str, float, int, "int | None", "str | None", "str | None", "int | None"]
"""A reading as a plain tuple, which is made in a tenth of the time: for many at once."""

Source = Callable[[Tier], Iterable[Row]]
"""An opened probe: the readings of this moment of one tier's metrics."""


def _nobody() -> Mapping[int, str]:
    return {}


def _nothing() -> None:
    return


@dataclass
class Context:
    """What a probe may know and tell, while it opens and later.

    Parameters
    ----------
    rates
        Readings per second of each tier.
    owners
        Gives the pipeline of each process that works for one, by process id.
    root
        Where ``proc`` and ``sys`` are.
    clock
        The clock of the run, in ns.
    changed
        Called after something was told.
    """

    rates: Mapping[Tier, float] = field(default_factory=dict)
    owners: Callable[[], Mapping[int, str]] = _nobody
    root: Path = Path("/")
    clock: Callable[[], int] = time.monotonic_ns
    changed: Callable[[], None] = _nothing
    devices: dict[str, Device] = field(default_factory=dict)
    ended: dict[str, tuple[int, str]] = field(default_factory=dict)
    nulls: dict[tuple[str, str | None], str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def device(self, device: Device) -> None:
        """Tell of a device; again, to correct what was told."""
        self.devices[device.name] = device
        self.changed()

    def missing(self, metric: str, reason: str, device: str | None = None) -> None:
        """Tell why a metric cannot be had, of one device or at all."""
        self.nulls[metric, device] = reason
        self.changed()

    def lost(self, device: str, reason: str) -> None:
        """Tell that a device is gone; its columns end here, and the run is marked."""
        self.ended[device] = (self.clock(), reason)
        self.changed()

    def from_source(self, metric: str, source: str) -> None:
        """Tell that a metric comes from elsewhere than declared."""
        self.sources[metric] = source
        self.changed()

    def note(self, text: str) -> None:
        """Tell something that whoever reads the samples has to know."""
        if text not in self.notes:
            self.notes.append(text)
            self.changed()


class Probe(BaseModel):
    """One source of samples: a frozen configuration that is opened in the sampler.

    Class attributes
    ----------------
    metrics
        All that it may read.
    thread
        Probes with the same word are read by one thread, which costs less; one that hangs
        then holds up the others. Without a word a probe has a thread of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    metrics: ClassVar[tuple[Metric, ...]] = ()
    thread: ClassVar[str | None] = None

    @abstractmethod
    def open(self, context: Context) -> AbstractContextManager[Source]:
        """Set up, yield the source, clean up."""
        raise NotImplementedError
