"""Judgements on what can be sampled on this machine, and how to get the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlbench.machine.finding import Finding
from mlbench.machine.gpu import Gpu, Gpus

__all__ = ["counts_pressure", "judge_telemetry"]

HOPPER = 9
"""Compute capability from which on NVML gives the hardware's own counters (GPM)."""


def counts_pressure(root: Path = Path("/")) -> bool:
    """Whether the kernel says who waits for processors, memory and storage."""
    try:
        # A kernel that was booted without it has the file, and refuses to read it.
        return bool((root / "proc/pressure/cpu").read_text())
    except OSError:
        return False


def judge_telemetry(gpus: Gpus, pressure: bool) -> Iterator[Finding]:
    """Findings on what the sampler cannot read here.

    Parameters
    ----------
    pressure
        What `counts_pressure` says.
    """
    if not pressure:
        yield Finding(
            "pressure",
            "note",
            "the kernel does not count who waits for processors, memory and storage (PSI)",
            "boot with psi=1 on the kernel's command line",
        )
    for gpu in gpus.devices:
        yield from _judge_counters(gpu)


def _judge_counters(gpu: Gpu) -> Iterator[Finding]:
    if gpu.compute_capability is None:
        return
    subject, major = f"gpu {gpu.index}", int(gpu.compute_capability.partition(".")[0])
    if major >= HOPPER:
        text = "SM, tensor-core and memory activity can be sampled (GPM)"
        yield Finding(subject, "ok", text)
    else:
        yield Finding(
            subject,
            "note",
            f"compute capability {gpu.compute_capability} has no GPM, which gives the activity of "
            "SMs, tensor cores and memory: samples have the share of time with any kernel, and "
            "each process's share of the SMs",
        )
