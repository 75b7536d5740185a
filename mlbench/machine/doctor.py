"""What this machine is, what makes a measurement on it noisy, what is missing, what to type."""

from __future__ import annotations

import os
from pathlib import Path

from mlbench.machine.contention import watch
from mlbench.machine.cpu import read_cpu
from mlbench.machine.disk import read_disk
from mlbench.machine.finding import Finding
from mlbench.machine.gpu import read_gpus
from mlbench.machine.host_findings import (
    judge_contention,
    judge_cpu,
    judge_disk,
    judge_frequency,
    judge_memory,
    judge_permissions,
    judge_virtual,
)
from mlbench.machine.memory import read_memory
from mlbench.machine.mps import control_program
from mlbench.machine.permissions import read_permissions
from mlbench.machine.software import missing_extras, read_software
from mlbench.machine.software_findings import (
    judge_extras,
    judge_gpus,
    judge_mps,
    judge_system,
    judge_torch,
)
from mlbench.machine.telemetry_findings import counts_pressure, judge_telemetry
from mlbench.machine.torch_build import read_torch

__all__ = ["diagnose"]


def diagnose(out: Path = Path("runs"), seconds: float = 0.5) -> list[Finding]:
    """Everything about this machine that matters to a measurement, in a fixed order.

    Parameters
    ----------
    out
        Where run directories would go; it need not be there yet.
    seconds
        How long to watch what others do. First of all, so that the import of torch in a
        process of its own, which takes some seconds more, is not taken for theirs.
    """
    contention = watch(seconds)
    cpu, memory, software, gpus = read_cpu(), read_memory(), read_software(), read_gpus()
    return [
        *judge_system(cpu, memory, software),
        *judge_cpu(cpu),
        *judge_frequency(cpu),
        *judge_contention(contention),
        *judge_virtual(cpu, contention),
        *judge_memory(memory),
        *judge_torch(read_torch(), gpus),
        *judge_gpus(gpus, os.getpid()),
        *judge_mps(gpus, control_program()),
        *judge_telemetry(gpus, counts_pressure()),
        *judge_permissions(read_permissions()),
        *judge_extras(missing_extras()),
        *judge_disk(read_disk(out)),
    ]
