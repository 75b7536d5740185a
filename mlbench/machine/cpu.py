"""The processors of the machine, and the part of them that this process may use."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlbench.machine import kernel
from mlbench.machine.cgroup import cpu_quota
from mlbench.machine.missing import explained

__all__ = ["Cpu", "available_cpus", "read_cores", "read_cpu"]

CPUS = "sys/devices/system/cpu"


@dataclass(frozen=True)
class Cpu:
    """The processors of a machine. What is null has its reason in ``reasons``.

    Parameters
    ----------
    model, architecture
        As the processor and the kernel name it.
    available
        Processors that this process may run on, by number.
    online
        Processors that the machine runs.
    cores
        The processors of each physical core: more than one where it has hardware threads.
    quota_cpus
        Processors' worth of time that the control group may use in each period.
    numa_nodes
        The processors of each memory node.
    governor, driver
        What chooses the clock frequency; several names where processors differ.
    turbo
        Whether the clock may go above its nominal frequency while few cores are busy.
    virtual
        Whether a hypervisor runs below the kernel.
    reasons
        Why a field is null, by its name.
    """

    model: str | None = None
    architecture: str = ""
    available: tuple[int, ...] = ()
    online: tuple[int, ...] | None = None
    cores: tuple[tuple[int, ...], ...] | None = None
    quota_cpus: float | None = None
    numa_nodes: tuple[tuple[int, ...], ...] | None = None
    governor: tuple[str, ...] | None = None
    driver: str | None = None
    turbo: bool | None = None
    virtual: bool | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def threads_per_core(self) -> int | None:
        """Hardware threads of the widest core; null if the cores are unknown."""
        return max(map(len, self.cores), default=None) if self.cores is not None else None


REASONS = {
    "model": "the kernel does not name it",
    "online": "the kernel does not list them",
    "cores": "the kernel does not say which processors share a core",
    "quota_cpus": "the control group sets no limit",
    "numa_nodes": "the kernel lists no memory nodes",
    "governor": "the kernel does not control the frequency; a hypervisor or the firmware may",
    "driver": "the kernel does not control the frequency; a hypervisor or the firmware may",
    "turbo": "the kernel does not say whether boost is on",
    "virtual": "this architecture's kernel does not say whether a hypervisor is below it",
}


def available_cpus() -> tuple[int, ...]:
    """The processors that this process may run on, by number.

    Where the system has no affinity (macOS, Windows) these are all of them.
    """
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def read_cpu(root: Path = Path("/"), available: tuple[int, ...] | None = None) -> Cpu:
    """The processors, as the kernel's files below ``root`` describe them.

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` are.
    available
        What this process may use; default: ask the kernel.
    """
    usable = available_cpus() if available is None else available
    model, virtual = _model_and_virtual(root)
    cpu = Cpu(
        model=model,
        architecture=platform.machine(),
        available=usable,
        online=kernel.parse_cpus(kernel.text(root / CPUS / "online")),
        cores=read_cores(root),
        quota_cpus=cpu_quota(root),
        numa_nodes=_numa_nodes(root),
        governor=_named(root, usable, "scaling_governor"),
        driver=next(iter(_named(root, usable, "scaling_driver") or ()), None),
        turbo=_turbo(root),
        virtual=virtual,
    )
    return explained(cpu, REASONS)


def read_cores(root: Path = Path("/")) -> tuple[tuple[int, ...], ...] | None:
    """The processors of each physical core, in order of their first; null if unknown."""
    online = kernel.parse_cpus(kernel.text(root / CPUS / "online"))
    cores: set[tuple[int, ...]] = set()
    seen: set[int] = set()
    for cpu in online or ():
        if cpu in seen:
            continue
        core = kernel.parse_cpus(_siblings(root / CPUS / f"cpu{cpu}" / "topology"))
        if core is None:
            return None
        cores.add(core)
        seen.update(core)
    return tuple(sorted(cores)) or None


def _siblings(topology: Path) -> str | None:
    # core_cpus_list is the name since Linux 5.3.
    return kernel.text(topology / "core_cpus_list") or kernel.text(
        topology / "thread_siblings_list"
    )


def _model_and_virtual(root: Path) -> tuple[str | None, bool | None]:
    """From the first processor's lines: a large machine lists hundreds."""
    try:
        with (root / "proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            lines = file.read(16384).splitlines()
    except OSError:
        return None, None
    found: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    model = found.get("model name") or found.get("Model") or found.get("cpu")
    flags = found.get("flags")  # x86 only
    return model, None if flags is None else "hypervisor" in flags.split()


def _named(root: Path, cpus: Iterable[int], file: str) -> tuple[str, ...] | None:
    """What the frequency policies of ``cpus`` say, each answer once."""
    found = {kernel.text(root / CPUS / f"cpu{cpu}" / "cpufreq" / file) for cpu in cpus}
    return tuple(sorted(name for name in found if name)) or None


def _turbo(root: Path) -> bool | None:
    disabled = kernel.number(root / CPUS / "intel_pstate/no_turbo")
    if disabled is not None:
        return disabled == 0
    boost = kernel.number(root / CPUS / "cpufreq/boost")
    return None if boost is None else boost == 1


def _numa_nodes(root: Path) -> tuple[tuple[int, ...], ...] | None:
    nodes = kernel.parse_cpus(kernel.text(root / "sys/devices/system/node/has_cpu"))
    lists = (
        kernel.parse_cpus(kernel.text(root / f"sys/devices/system/node/node{node}/cpulist"))
        for node in nodes or ()
    )
    return tuple(cpus for cpus in lists if cpus) or None
