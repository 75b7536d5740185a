"""What machine this is: processors, memory, GPUs, software, permissions; and what is amiss."""

from mlbench.machine.contention import Contention, watch
from mlbench.machine.cpu import Cpu, available_cpus, read_cores, read_cpu
from mlbench.machine.disk import Disk, read_disk
from mlbench.machine.doctor import diagnose
from mlbench.machine.finding import Finding, Status
from mlbench.machine.fingerprint import fingerprint, identity
from mlbench.machine.gpu import Gpu, GpuProcess, Gpus, MigInstance, device_count, read_gpus, visible
from mlbench.machine.memory import Memory, read_memory
from mlbench.machine.permissions import Permissions, read_permissions
from mlbench.machine.software import Git, Software, read_git, read_software
from mlbench.machine.torch_build import TorchBuild, read_torch

__all__ = [
    "Contention",
    "Cpu",
    "Disk",
    "Finding",
    "Git",
    "Gpu",
    "GpuProcess",
    "Gpus",
    "Memory",
    "MigInstance",
    "Permissions",
    "Software",
    "Status",
    "TorchBuild",
    "available_cpus",
    "device_count",
    "diagnose",
    "fingerprint",
    "identity",
    "read_cores",
    "read_cpu",
    "read_disk",
    "read_git",
    "read_gpus",
    "read_memory",
    "read_permissions",
    "read_software",
    "read_torch",
    "visible",
    "watch",
]
