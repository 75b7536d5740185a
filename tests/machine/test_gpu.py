"""GPUs over an NVML that answers, refuses and fails as the real one does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mlbench.machine.gpu import Gpu, MigInstance, device_count, read_gpus, visible

pytestmark = pytest.mark.unit


class NVMLError(Exception):
    """As pynvml raises it."""


class FakeNvml:
    """Two GPUs, the second cut by MIG; ``refused`` maps a function to its error."""

    NVMLError = NVMLError

    def __init__(self, **refused: str) -> None:
        self.refused = refused
        self.open = 0

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvml") and name in self.refused:

            def refuse(*arguments: object) -> None:
                raise NVMLError(self.refused[name])

            return refuse
        return super().__getattribute__(name)

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.65.06"

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:
        return 13000

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
        return f"GPU-{index}"

    def nvmlDeviceGetUUID(self, handle: str) -> str:
        return f"{handle}aaaa"

    def nvmlDeviceGetName(self, handle: str) -> str:
        return f"H100 {handle}"

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> SimpleNamespace:
        return SimpleNamespace(total=80 << 30)

    def nvmlDeviceGetCudaComputeCapability(self, handle: str) -> tuple[int, int]:
        return 9, 0

    def nvmlDeviceGetComputeMode(self, handle: str) -> int:
        return 3

    def nvmlDeviceGetPersistenceMode(self, handle: str) -> int:
        return 1

    def nvmlDeviceGetMigMode(self, handle: str) -> list[int]:
        return [1, 1] if handle == "GPU-1" else [0, 0]

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: str) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: str, index: int) -> str:
        if index != 2:
            raise NVMLError("Not Found")
        return f"MIG-{index}"

    def nvmlDeviceGetGpuInstanceId(self, handle: str) -> int:
        return 5

    def nvmlDeviceGetComputeInstanceId(self, handle: str) -> int:
        return 0

    def nvmlDeviceGetComputeRunningProcesses_v3(self, handle: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=41, usedGpuMemory=None)]

    nvmlDeviceGetComputeRunningProcesses_v2 = nvmlDeviceGetComputeRunningProcesses_v3

    def nvmlDeviceGetMPSComputeRunningProcesses_v3(self, handle: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=42, usedGpuMemory=1 << 20)]

    nvmlDeviceGetMPSComputeRunningProcesses_v2 = nvmlDeviceGetMPSComputeRunningProcesses_v3


def test_everything_that_nvml_answers_is_there() -> None:
    nvml = FakeNvml()
    gpus = read_gpus(nvml=nvml)
    assert (gpus.driver, gpus.cuda) == ("580.65.06", "13.0")
    first = gpus.devices[0]
    assert (first.index, first.uuid, first.name) == (0, "GPU-0aaaa", "H100 GPU-0")
    assert (first.memory_bytes, first.compute_capability) == (80 << 30, "9.0")
    assert (first.mig, first.compute_mode, first.persistence) == (False, "exclusive_process", True)
    assert not gpus.reasons
    assert not first.reasons


def test_processes_are_those_with_a_context_and_the_clients_of_mps() -> None:
    processes = read_gpus(nvml=FakeNvml()).devices[0].processes
    assert processes is not None
    assert [(each.pid, each.memory_bytes, each.mps) for each in processes] == [
        (41, None, False),
        (42, 1 << 20, True),
    ]


def without(function: str, versions: str) -> dict[str, str]:
    return {f"{function}_v{version}": "Function Not Found" for version in versions}


def test_a_driver_without_mps_has_no_clients() -> None:
    nvml = FakeNvml(**without("nvmlDeviceGetMPSComputeRunningProcesses", "23"))
    gpu = read_gpus(nvml=nvml).devices[0]
    assert gpu.processes is not None
    assert [each.pid for each in gpu.processes] == [41]
    assert not gpu.reasons


def test_an_older_driver_is_asked_in_its_own_version() -> None:
    nvml = FakeNvml(**without("nvmlDeviceGetComputeRunningProcesses", "3"))
    gpu = read_gpus(nvml=nvml).devices[0]
    assert gpu.processes is not None
    assert [each.pid for each in gpu.processes] == [41, 42]
    assert not gpu.reasons


def test_processes_that_nvml_refuses_are_null() -> None:
    nvml = FakeNvml(**without("nvmlDeviceGetComputeRunningProcesses", "23"))
    gpu = read_gpus(nvml=nvml).devices[0]
    assert gpu.processes is None
    assert gpu.reasons == {"processes": "Function Not Found"}


def test_processes_that_are_not_asked_for_say_so() -> None:
    gpu = read_gpus(processes=False, nvml=FakeNvml()).devices[0]
    assert gpu.processes is None
    assert gpu.reasons["processes"] == "not asked for"


def test_instances_of_mig_are_listed_over_the_gaps_in_their_numbers() -> None:
    gpu = read_gpus(nvml=FakeNvml()).devices[1]
    assert gpu.mig is True
    (instance,) = gpu.mig_instances
    assert (instance.uuid, instance.gpu_instance, instance.compute_instance) == ("MIG-2aaaa", 5, 0)


@pytest.mark.parametrize(
    ("function", "field"),
    [
        ("nvmlDeviceGetMemoryInfo", "memory_bytes"),
        ("nvmlDeviceGetCudaComputeCapability", "compute_capability"),
        ("nvmlDeviceGetComputeMode", "compute_mode"),
        ("nvmlDeviceGetPersistenceMode", "persistence"),
        ("nvmlDeviceGetMigMode", "mig"),
        ("nvmlDeviceGetName", "name"),
        ("nvmlDeviceGetUUID", "uuid"),
    ],
)
def test_what_nvml_refuses_is_null_with_its_words(function: str, field: str) -> None:
    gpu = read_gpus(nvml=FakeNvml(**{function: "Not Supported"})).devices[0]
    assert getattr(gpu, field) is None
    assert gpu.reasons == {field: "Not Supported"}


def test_a_lost_gpu_keeps_its_index() -> None:
    gpus = read_gpus(nvml=FakeNvml(nvmlDeviceGetHandleByIndex="GPU is lost"))
    assert [gpu.index for gpu in gpus.devices] == [0, 1]
    assert gpus.devices[0].reasons == {"uuid": "GPU is lost"}


@pytest.mark.parametrize("function", ["nvmlInit", "nvmlDeviceGetCount"])
def test_without_nvml_there_are_no_gpus_and_the_reason(function: str) -> None:
    nvml = FakeNvml(**{function: "Driver/library version mismatch"})
    gpus = read_gpus(nvml=nvml)
    assert gpus.devices == ()
    assert gpus.reasons["devices"].startswith("Driver/library version mismatch")
    assert device_count(nvml) == 0


def test_nvml_is_shut_down_also_when_something_breaks() -> None:
    nvml = FakeNvml()
    read_gpus(nvml=nvml)
    device_count(nvml)
    nvml.nvmlDeviceGetUUID = None  # type: ignore[assignment,method-assign]  # a bug of ours
    with pytest.raises(TypeError):
        read_gpus(nvml=nvml)
    assert nvml.open == 0


@pytest.mark.parametrize(
    ("listed", "count"), [(None, 2), ("1", 1), ("", 0), ("0,1", 2), ("GPU-1", 1), ("NoDevFiles", 0)]
)
def test_the_count_is_what_cuda_shows(
    monkeypatch: pytest.MonkeyPatch, listed: str | None, count: int
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if listed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert device_count(FakeNvml()) == count


GPUS = (
    Gpu(0, "GPU-a1"),
    Gpu(1, "GPU-a2", mig_instances=(MigInstance("MIG-b1", "1g", None, 1, 0),)),
)


@pytest.mark.parametrize(
    ("listed", "uuids"),
    [
        (None, ("GPU-a1", "GPU-a2")),
        ("1,0", ("GPU-a2", "GPU-a1")),
        ("MIG-b1", ("MIG-b1",)),
        ("0,7,1", ("GPU-a1",)),  # CUDA stops at what it does not find
        ("-1", ()),
        ("GPU-a", ()),  # the beginning of two
        ("0,GPU-a1", ()),  # twice the same
    ],
)
def test_cuda_visible_devices_selects_and_orders(
    listed: str | None, uuids: tuple[str, ...]
) -> None:
    assert visible(GPUS, listed) == uuids
