"""Probe: energy of processors and memory, from the counters that Linux shows (RAPL)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlbench.interfaces.probe import Context, Device, Metric, Probe, Row, Source
from mlbench.machine import kernel
from mlbench.machine.permissions import FIXES
from mlbench.probes.counter import Counter
from mlbench.probes.held import Held

__all__ = ["Rapl"]

METRIC = "cpu_energy"
NONE = "this machine shows no energy counters of its processors; a hypervisor may hide them"
MICRO = 1e-6


class Rapl(Probe):
    """Energy of each package, and of the parts of it that are counted."""

    thread = "kernel"
    metrics = (
        Metric(
            METRIC, "J", "RAPL energy_uj", "increase", "medium", "device",
            "of a package or a part of it; parts are in their package's, too",
        ),
    )  # fmt: skip

    @contextmanager
    def open(self, context: Context) -> Iterator[Source]:
        """Yield the increase of every counter."""
        zones = sorted((context.root / "sys/class/powercap").glob("intel-rapl:*"))
        counted = [found for zone in zones if (found := _opened(zone, context)) is not None]
        if not counted and (METRIC, None) not in context.nulls:
            context.missing(METRIC, NONE)
        try:
            yield lambda _: [
                reading for zone in counted if (reading := zone.read(context)) is not None
            ]
        finally:
            for zone in counted:
                zone.file.close()


class _Zone:
    """One counter; it begins again at zero after ``max_energy_range_uj``."""

    def __init__(self, device: str, file: Held, range_uj: int | None) -> None:
        self.file = file
        self._device = device
        self._counter = Counter(METRIC, None if range_uj is None else float(range_uj))

    def read(self, context: Context) -> Row | None:
        """The increase since the last reading."""
        total_uj = float(self.file.read())
        return self._counter.reading(total_uj, context.clock(), self._device, scale=MICRO)


def _opened(zone: Path, context: Context) -> _Zone | None:
    """The counter of a zone, ``intel-rapl:0`` or its part ``intel-rapl:0:1``."""
    name = kernel.text(zone / "name") or zone.name
    parent = zone.name.count(":") > 1 and zone.with_name(zone.name.rpartition(":")[0])
    whole = kernel.text(parent / "name") if parent else None
    device = f"{whole}/{name}" if whole else name
    try:
        file = Held(zone / "energy_uj", 64)
    except OSError as error:
        context.missing(METRIC, f"{error.strerror}: {FIXES['rapl']}")
        return None
    context.device(Device(device, "package", "RAPL", parent=whole))
    return _Zone(device, file, kernel.number(zone / "max_energy_range_uj"))
