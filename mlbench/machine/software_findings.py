"""Judgements on software and GPUs: from what was read to what it means for a measurement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlbench.machine.cpu import Cpu
from mlbench.machine.finding import Finding, gib
from mlbench.machine.gpu import Gpu, Gpus, MigInstance
from mlbench.machine.memory import Memory
from mlbench.machine.mps import CONTROL, INSTALL
from mlbench.machine.software import Software
from mlbench.machine.torch_build import TorchBuild

__all__ = ["judge_extras", "judge_gpus", "judge_mps", "judge_system", "judge_torch"]

ASKED = {
    "uuid": "name and place",
    "memory_bytes": "memory",
    "compute_mode": "compute mode",
    "persistence": "persistence mode",
    "processes": "processes",
}
"""What a GPU is asked for that a person would miss; without MIG is how most of them are."""


def judge_system(cpu: Cpu, memory: Memory, software: Software) -> Iterator[Finding]:
    """What the machine is, and whether it can measure at all."""
    cores = "unknown" if cpu.cores is None else str(len(cpu.cores))
    name = software.distribution or software.system
    yield Finding(
        "machine",
        "ok",
        f"{cpu.model or cpu.architecture}, {cores} cores, {len(cpu.available)} processors to use, "
        f"{gib(memory.total_bytes)}; {name}, kernel {software.kernel}; "
        f"Python {software.python}, mlbench {software.mlbench}",
    )
    if software.system != "Linux":
        yield Finding(
            "machine",
            "missing",
            f"measuring needs Linux, this is {software.system}; reading runs and figures work",
            "run mlbench on a Linux machine and copy the run directory",
        )
    if software.container:
        yield Finding(
            "container",
            "note",
            f"inside {software.container}: processes outside of it are unseen, and process ids "
            "that NVML gives are the host's",
            "docker run --pid=host" if software.container == "docker" else "",
        )


def judge_torch(torch: TorchBuild, gpus: Gpus) -> Iterator[Finding]:
    """Findings on torch and whether it can use the GPUs."""
    detail = f": {torch.problem}" if torch.problem else ""
    if torch.version is None:
        text = f"does not import{detail}"
        yield Finding("torch", "missing", text, "pip install 'torch>=2.6,<2.14'")
        return
    build = f"for CUDA {torch.cuda}" if torch.cuda else "for the CPU"
    if gpus.devices and not torch.cuda:
        yield Finding(
            "torch",
            "warn",
            f"{torch.version} is built {build}: it cannot use the GPU",
            "pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu130",
        )
    elif gpus.devices and not torch.available:
        yield Finding(
            "torch",
            "warn",
            f"{torch.version} is built {build} but finds no GPU{detail}",
            f"a driver for CUDA {torch.cuda} or later; nvidia-smi shows what it runs",
        )
    else:
        yield Finding("torch", "ok", f"{torch.version}, built {build}; sees {torch.devices} GPUs")


def judge_gpus(gpus: Gpus, own: int) -> Iterator[Finding]:
    """Findings on the GPUs and their driver.

    Parameters
    ----------
    gpus
        As read, with processes.
    own
        Id of this process, which may hold a context in a notebook.
    """
    if not gpus.devices:
        reason = gpus.reasons.get("devices", "none found")
        text = f"none: {reason}; pipelines run on the CPU"
        yield Finding(
            "gpu", "note", text, "install NVIDIA's driver, until nvidia-smi lists the GPU"
        )
        return
    runs = f", runs up to CUDA {gpus.cuda}" if gpus.cuda else ""
    yield Finding("driver", "ok", f"{gpus.driver or 'unknown'}{runs}")
    for gpu in gpus.devices:
        yield from _judge_gpu(gpu, own)


def judge_mps(gpus: Gpus, program: str | None) -> Iterator[Finding]:
    """Findings on MPS, where there is a GPU to share.

    Parameters
    ----------
    program
        Path of its control program; null where it is not installed.
    """
    if not gpus.devices:
        return
    if program is None:
        text = f"no {CONTROL} on the path: pipelines cannot have sharing: mps"
        yield Finding("mps", "note", text, INSTALL)
    else:
        yield Finding("mps", "ok", f"{program}: pipelines can have sharing: mps")


def _judge_gpu(gpu: Gpu, own: int) -> Iterator[Finding]:
    subject = f"gpu {gpu.index}"
    yield Finding(subject, "ok", f"{gpu.name or 'unknown'}, {gib(gpu.memory_bytes)}")
    for name, what in ASKED.items():
        if name in gpu.reasons:
            yield Finding(subject, "note", f"{what} unknown: {gpu.reasons[name]}")
    foreign = [process for process in gpu.processes or () if process.pid != own]
    if foreign:
        pids = ",".join(str(process.pid) for process in foreign)
        yield Finding(
            subject,
            "warn",
            f"others hold a context on it (process {pids}): they share its time and memory",
            f"ps -fp {pids}, and end what is not needed",
        )
    yield from _judge_modes(gpu, subject)


def _judge_modes(gpu: Gpu, subject: str) -> Iterator[Finding]:
    if gpu.compute_mode in ("exclusive_process", "exclusive_thread", "prohibited"):
        yield Finding(
            subject,
            "warn",
            f"compute mode {gpu.compute_mode}: several pipelines cannot share it, except over MPS",
            f"sudo nvidia-smi -i {gpu.index} -c DEFAULT",
        )
    if gpu.persistence is False:
        yield Finding(
            subject,
            "note",
            "persistence is off: the driver unloads between runs, and each starts with cold clocks",
            f"sudo nvidia-smi -i {gpu.index} -pm 1",
        )
    if gpu.mig:
        names = ", ".join(map(_named, gpu.mig_instances)) or "none"
        yield Finding(
            subject,
            "note",
            f"MIG is on, with the instances: {names}; CUDA shows a process one of them at most",
            f"sudo nvidia-smi -i {gpu.index} -mig 0",
        )


def _named(instance: MigInstance) -> str:
    """A MIG instance with the UUID by which a placement names it."""
    return f"{instance.name or 'unknown'} ({instance.uuid or 'no UUID'})"


def judge_extras(extras: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    """Findings on optional packages.

    Parameters
    ----------
    extras
        The packages of each extra that are not installed.
    """
    for extra, packages in extras.items():
        if extra == "dev":
            continue
        if packages:
            text = f"not installed: {', '.join(packages)}"
            yield Finding(f"extra {extra}", "note", text, f"pip install 'mlbench[{extra}]'")
        else:
            yield Finding(f"extra {extra}", "ok", "installed")
