"""The machine as plain data, for the manifest of a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mlbench.machine.cpu import Cpu, read_cpu
from mlbench.machine.gpu import Gpus, read_gpus
from mlbench.machine.memory import Memory, read_memory
from mlbench.machine.permissions import read_permissions
from mlbench.machine.software import read_software

__all__ = ["fingerprint", "identity"]


def fingerprint() -> dict[str, Any]:  # Any: JSON data
    """What the machine is, as JSON data.

    It imports nothing heavy and takes some ten milliseconds, more where NVML has to load
    a GPU's driver first. Names of hosts, users and directories are not in it.

    Returns
    -------
    dict
        ``identity`` (see `identity`), and a section each for ``cpu``, ``memory``,
        ``gpus``, ``software`` and ``permissions``. In a section a null has its reason
        in ``reasons``; sizes are in bytes.
    """
    cpu, memory, gpus = read_cpu(), read_memory(), read_gpus(processes=False)
    software = read_software()
    return {
        "identity": identity(cpu, memory, gpus, software.kernel),
        "cpu": _plain(cpu),
        "memory": _plain(memory),
        "gpus": _plain(gpus),
        "software": _plain(software),
        "permissions": _plain(read_permissions()),
    }


def identity(cpu: Cpu, memory: Memory, gpus: Gpus, kernel: str) -> str:
    """A hash of what makes results comparable: 16 hex digits of a SHA-256.

    Model and counts of processors (those that may be used, and their quota, too), memory
    to the GiB (the kernel's own share of it varies between boots), GPUs by UUID (not their
    MIG instances, which a placement makes and removes), driver, and kernel.
    """
    total_bytes = memory.total_bytes
    same = {
        "cpu": [cpu.model, cpu.architecture, cpu.threads_per_core, cpu.quota_cpus],
        "cpus": [len(cpu.online or ()), len(cpu.cores or ()), len(cpu.available)],
        "memory_gib": None if total_bytes is None else round(total_bytes / 2**30),
        "gpus": [gpu.uuid for gpu in gpus.devices],
        "driver": gpus.driver,
        "kernel": kernel,
    }
    text = json.dumps(same, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:  # Any: one of the frozen records, or what is inside of it
    """The record as JSON data: tuples become lists, as they are when it is read back."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return _plain(asdict(value)) if hasattr(value, "__dataclass_fields__") else value
