"""What the points of a block have for themselves: processors and GPUs, and their locks."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlbench.machine.cpu import available_cpus
from mlbench.machine.gpu import read_gpus, visible
from mlbench.placements.cpus import divide_here
from mlbench.placements.visible import VISIBLE
from mlbench.spec import Document
from mlbench.sweep.layout import Point, SweepManifest, source_of

__all__ = ["Resources", "resources_of"]


@dataclass(frozen=True)
class Resources:
    """What a block uses on this machine.

    Parameters
    ----------
    cpus
        Numbers of processors.
    gpus
        UUIDs.
    devices
        The same GPUs as ``cuda:N`` of this process.
    """

    cpus: tuple[int, ...]
    gpus: tuple[str, ...]
    devices: tuple[str, ...]

    @property
    def locks(self) -> list[str]:
        """The names of their locks."""
        return [f"cpu-{cpu:04d}" for cpu in self.cpus] + [f"gpu-{uuid}" for uuid in self.gpus]


def resources_of(directory: Path, manifest: SweepManifest, points: Sequence[Point]) -> Resources:
    """What these points use: what the plan says, or their specs, or all that there is."""
    plan = manifest.plan
    cpus, devices = plan.cpus, plan.devices
    if manifest.kind != "notebook" and (cpus is None or devices is None):
        placed_cpus, placed_devices = _placed(directory, manifest, points)
        cpus = placed_cpus if cpus is None else cpus
        devices = placed_devices if devices is None else devices
    return _on_this_machine(cpus, devices)


def _on_this_machine(cpus: tuple[int, ...] | None, devices: tuple[str, ...] | None) -> Resources:
    wanted = tuple(sorted(set(available_cpus() if cpus is None else cpus)))
    if devices is not None and not any(each.startswith("cuda") for each in devices):
        return Resources(wanted, (), ())
    uuids = visible(read_gpus(processes=False).devices, os.environ.get(VISIBLE))
    every = {f"cuda:{number}": uuid for number, uuid in enumerate(uuids)}
    named = every if devices is None or "cuda" in devices else dict.fromkeys(devices)
    used = {name: uuid for name, uuid in every.items() if name in named}
    return Resources(wanted, tuple(used.values()), tuple(used))


def _placed(
    directory: Path, manifest: SweepManifest, points: Sequence[Point]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The processors and devices that the specs of the points place their pipelines on.

    Specs that differ in loose parameters alone have the same placements.
    """
    from mlbench.sweep.family import loose
    from mlbench.sweep.spec_target import bench_of

    free = loose(points[0].parameters)
    unlike = {
        json.dumps([each for name, each in point.parameters.items() if name not in free]): point
        for point in points
    }
    document = Document.read(source_of(directory, manifest.kind))
    cpus: set[int] = set()
    devices: set[str] = set()
    for point in unlike.values():
        for place in divide_here(bench_of(document, point.parameters)).values():
            cpus.update(place.cpus)
            devices.add(place.device)
    return tuple(sorted(cpus)), tuple(sorted(devices))
