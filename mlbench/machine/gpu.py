"""The NVIDIA GPUs of the machine, as NVML describes them.

Anything may be refused: the library may be missing, the driver may differ from it, a
container may hide processes, a device may not support a question. Each refusal makes one
field null and leaves NVML's own words in ``reasons``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mlbench.machine.nvml import initialised
from mlbench.machine.patience import in_time

__all__ = ["Gpu", "GpuProcess", "Gpus", "MigInstance", "device_count", "read_gpus", "visible"]

Answer = TypeVar("Answer")

PATIENCE_S = 10.0
"""How long a driver may take to come up; one that is loaded answers in milliseconds."""

COMPUTE_MODES = {0: "default", 1: "exclusive_thread", 2: "prohibited", 3: "exclusive_process"}


@dataclass(frozen=True)
class GpuProcess:
    """A process that holds a context on a GPU; its id is the host's, also in a container."""

    pid: int
    memory_bytes: int | None
    mps: bool = False


@dataclass(frozen=True)
class MigInstance:
    """A part of a GPU that MIG has cut off: a device of its own."""

    uuid: str | None
    name: str | None
    memory_bytes: int | None
    gpu_instance: int | None
    compute_instance: int | None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gpu:
    """One GPU. What is null has its reason in ``reasons``.

    Parameters
    ----------
    index, uuid, name
        NVML's, in the order of the PCI bus.
    memory_bytes
        Of the whole device.
    compute_capability
        Major and minor, ``9.0``.
    mig
        Whether it is cut into instances; `mig_instances` are those that exist.
    compute_mode
        ``default`` lets several processes hold a context.
    persistence
        Whether the driver stays loaded while nobody uses the GPU.
    processes
        Those that hold a compute context.
    reasons
        Why a field is null, by its name.
    """

    index: int
    uuid: str | None = None
    name: str | None = None
    memory_bytes: int | None = None
    compute_capability: str | None = None
    mig: bool | None = None
    mig_instances: tuple[MigInstance, ...] = ()
    compute_mode: str | None = None
    persistence: bool | None = None
    processes: tuple[GpuProcess, ...] | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gpus:
    """All GPUs with their driver.

    Parameters
    ----------
    devices
        Empty where there is none; then ``reasons["devices"]`` says why.
    driver, cuda
        Version of the driver, and the newest CUDA that it runs.
    reasons
        Why a field is null or empty, by its name.
    """

    devices: tuple[Gpu, ...] = ()
    driver: str | None = None
    cuda: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Asked:
    """Questions to NVML about one thing; keeps why an answer did not come."""

    nvml: Any  # Any: the module pynvml, which has no types
    reasons: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, name: str, question: Callable[..., Any], *arguments: object
    ) -> Any:  # Any: whatever NVML answers, null if it does not
        try:
            return question(*arguments)
        except self.nvml.NVMLError as error:
            self.reasons[name] = str(error)
            return None

    def newest(
        self, name: str, function: str, handle: object
    ) -> Any:  # Any: whatever NVML answers, null if it does not
        """The answer of the newest version of a function that the driver has.

        The unversioned functions of pynvml raise something that is no NVMLError where the
        driver is older than it.
        """
        for version in ("v3", "v2"):
            answer = self(name, getattr(self.nvml, f"{function}_{version}"), handle)
            if answer is not None:
                self.reasons.pop(name, None)
                return answer
        return None


def read_gpus(processes: bool = True, nvml: Any = None) -> Gpus:  # Any: pynvml has no types
    """The GPUs of the machine; none, with the reason, where NVML does not work.

    Parameters
    ----------
    processes
        Whether to ask for the processes on each, which costs most of the time.
    nvml
        What to ask; default: pynvml.
    """

    def ask() -> Gpus:
        with _opened(nvml) as ready:
            return _read_all(ready, processes)

    try:
        return in_time(ask, PATIENCE_S)
    except _NvmlError as error:
        return Gpus(reasons={"devices": str(error)})
    except TimeoutError as error:
        return Gpus(reasons={"devices": f"NVIDIA's driver hangs: {error}"})


def device_count(nvml: Any = None) -> int:  # Any: pynvml has no types
    """How many GPUs a process started from here sees, CUDA_VISIBLE_DEVICES heeded.

    Zero where NVML does not work; `read_gpus` says why.
    """
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")

    def ask() -> int:
        with _opened(nvml) as ready:
            if listed is None:
                return _Asked(ready)("devices", ready.nvmlDeviceGetCount) or 0
            return len(visible(_read_all(ready, processes=False).devices, listed))

    try:
        return in_time(ask, PATIENCE_S)
    except (_NvmlError, TimeoutError):
        return 0


def visible(devices: Sequence[Gpu], listed: str | None) -> tuple[str, ...]:
    """UUIDs of what CUDA shows as ``cuda:0``, ``cuda:1``, ... under CUDA_VISIBLE_DEVICES.

    CUDA stops at the first entry that it does not find, and shows nothing if one stands
    twice. An entry is an index in the order of the PCI bus (which `environment` of
    `mlbench.placements.cpus` asks CUDA for), or the beginning of one UUID.

    Parameters
    ----------
    devices
        All GPUs.
    listed
        The variable; null if it is not set.
    """
    if listed is None:
        return tuple(gpu.uuid or str(gpu.index) for gpu in devices)
    found: list[str] = []
    for entry in listed.split(","):
        matching = _matching(devices, entry.strip())
        if matching is None:
            break
        found.append(matching)
    return tuple(found) if len(set(found)) == len(found) else ()


def _matching(devices: Sequence[Gpu], entry: str) -> str | None:
    if entry.isdigit():
        return next((gpu.uuid or entry for gpu in devices if gpu.index == int(entry)), None)
    uuids = [gpu.uuid for gpu in devices]
    uuids += [instance.uuid for gpu in devices for instance in gpu.mig_instances]
    begins = [uuid for uuid in uuids if entry and uuid and uuid.startswith(entry)]
    return begins[0] if len(begins) == 1 else None


class _NvmlError(Exception):
    """NVML does not work on this machine, with its own words."""


@contextmanager
def _opened(nvml: Any) -> Iterator[Any]:  # Any: pynvml has no types
    library, reason = initialised(nvml)
    if library is None:
        raise _NvmlError(reason)
    try:
        yield library
    finally:
        with suppress(library.NVMLError):  # what was read stays true
            library.nvmlShutdown()


def _read_all(nvml: Any, processes: bool) -> Gpus:  # Any: pynvml has no types
    ask = _Asked(nvml)
    count = ask("devices", nvml.nvmlDeviceGetCount)
    if count == 0:
        ask.reasons["devices"] = "the driver lists no GPU"
    cuda = ask("cuda", nvml.nvmlSystemGetCudaDriverVersion_v2)
    return Gpus(
        devices=tuple(_read_gpu(nvml, index, processes) for index in range(count or 0)),
        driver=ask("driver", nvml.nvmlSystemGetDriverVersion),
        cuda=None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
        reasons=ask.reasons,
    )


def _read_gpu(nvml: Any, index: int, processes: bool) -> Gpu:  # Any: pynvml has no types
    ask = _Asked(nvml)
    handle = ask("uuid", nvml.nvmlDeviceGetHandleByIndex, index)
    if handle is None:
        return Gpu(index, reasons=ask.reasons)
    memory = ask("memory_bytes", nvml.nvmlDeviceGetMemoryInfo, handle)
    capability = ask("compute_capability", nvml.nvmlDeviceGetCudaComputeCapability, handle)
    mode = ask("compute_mode", nvml.nvmlDeviceGetComputeMode, handle)
    persistence = ask("persistence", nvml.nvmlDeviceGetPersistenceMode, handle)
    mig = ask("mig", nvml.nvmlDeviceGetMigMode, handle)
    if not processes:
        ask.reasons["processes"] = "not asked for"
    return Gpu(
        index=index,
        uuid=ask("uuid", nvml.nvmlDeviceGetUUID, handle),
        name=ask("name", nvml.nvmlDeviceGetName, handle),
        memory_bytes=None if memory is None else int(memory.total),
        compute_capability=None if capability is None else "{}.{}".format(*capability),
        mig=None if mig is None else mig[0] == 1,
        mig_instances=_read_mig(nvml, handle) if mig and mig[0] == 1 else (),
        compute_mode=None if mode is None else COMPUTE_MODES.get(mode, str(mode)),
        persistence=None if persistence is None else persistence == 1,
        processes=_read_processes(ask, handle) if processes else None,
        reasons=ask.reasons,
    )


def _read_processes(ask: _Asked, handle: object) -> tuple[GpuProcess, ...] | None:
    direct = ask.newest("processes", "nvmlDeviceGetComputeRunningProcesses", handle)
    if direct is None:
        return None
    # A driver without MPS refuses this; then there are no clients of it.
    clients = _Asked(ask.nvml).newest("mps", "nvmlDeviceGetMPSComputeRunningProcesses", handle)
    return (
        *(GpuProcess(process.pid, process.usedGpuMemory) for process in direct),
        *(GpuProcess(process.pid, process.usedGpuMemory, mps=True) for process in clients or ()),
    )


def _read_mig(nvml: Any, handle: object) -> tuple[MigInstance, ...]:
    ask = _Asked(nvml)
    most = ask("instances", nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
    # Numbers of instances have gaps: NOT_FOUND says that there is none of this number.
    handles = (
        ask("instance", nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index)
        for index in range(most)
    )
    return tuple(_read_instance(nvml, found) for found in handles if found is not None)


def _read_instance(nvml: Any, handle: object) -> MigInstance:
    ask = _Asked(nvml)
    memory = ask("memory_bytes", nvml.nvmlDeviceGetMemoryInfo, handle)
    return MigInstance(
        uuid=ask("uuid", nvml.nvmlDeviceGetUUID, handle),
        name=ask("name", nvml.nvmlDeviceGetName, handle),
        memory_bytes=None if memory is None else int(memory.total),
        gpu_instance=ask("gpu_instance", nvml.nvmlDeviceGetGpuInstanceId, handle),
        compute_instance=ask("compute_instance", nvml.nvmlDeviceGetComputeInstanceId, handle),
        reasons=ask.reasons,
    )
