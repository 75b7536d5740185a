"""Judgements on made-up machines: what is noisy, what is missing, what to type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from mlbench.machine.contention import Contention
from mlbench.machine.cpu import Cpu
from mlbench.machine.disk import Disk
from mlbench.machine.finding import Finding
from mlbench.machine.gpu import Gpu, GpuProcess, Gpus
from mlbench.machine.host_findings import (
    judge_contention,
    judge_cpu,
    judge_disk,
    judge_frequency,
    judge_memory,
    judge_permissions,
    judge_virtual,
)
from mlbench.machine.memory import Memory
from mlbench.machine.permissions import Permissions
from mlbench.machine.software import Git, Software
from mlbench.machine.software_findings import judge_extras, judge_gpus, judge_system, judge_torch
from mlbench.machine.torch_build import TorchBuild

pytestmark = pytest.mark.unit

QUIET = Contention(1.0, 0.01, 0.0, 0.0, 0.0, 0.1)
H100 = Gpu(0, "GPU-1", "H100", 80 << 30, "9.0", False, (), "default", True, ())
GPUS = Gpus((H100,), "580", "13.0")
LAPTOP = Software(
    python="3.12.1",
    implementation="CPython",
    mlbench="1",
    packages={},
    torch_cuda=None,
    system="Linux",
    distribution="Debian",
    kernel="6.1",
    libc=None,
    container="",
    git=Git(),
)


def statuses(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.subject, finding.status) for finding in findings]


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_whole_cores_of_ones_own_need_no_finding() -> None:
    assert not list(judge_cpu(Cpu(available=(0, 1), cores=((0,), (1,)))))


def test_one_processor_is_too_few() -> None:
    assert statuses(judge_cpu(Cpu(available=(0,)))) == [("cpu", "warn")]


def test_a_quota_below_the_processors_stops_everything_at_times() -> None:
    finding = only(judge_cpu(Cpu(available=(0, 1, 2, 3), quota_cpus=1.5)))
    assert finding.status == "warn"
    assert "1.5 processors' worth" in finding.text
    assert "--cpuset-cpus" in finding.fix


def test_hardware_threads_are_noted() -> None:
    finding = only(judge_cpu(Cpu(available=(0, 1, 2, 3), cores=((0, 2), (1, 3)))))
    assert (finding.subject, finding.status) == ("smt", "note")
    assert "2 cores run 4 processors" in finding.text


def test_a_sibling_that_belongs_to_others_is_a_warning() -> None:
    finding = only(judge_cpu(Cpu(available=(0, 1), cores=((0, 2), (1, 3), (4, 5)))))
    assert finding.status == "warn"
    assert "processors 2-3" in finding.text


def test_the_performance_governor_is_right() -> None:
    assert only(judge_frequency(Cpu(governor=("performance",)))).status == "ok"


def test_powersave_is_a_warning_with_what_to_type() -> None:
    finding = only(judge_frequency(Cpu(governor=("powersave",), driver="intel_pstate")))
    assert finding.status == "warn"
    assert "powersave of intel_pstate" in finding.text
    assert finding.fix == "sudo cpupower frequency-set -g performance"


@pytest.mark.parametrize(
    ("driver", "file"), [("intel_pstate", "no_turbo"), ("acpi-cpufreq", "boost"), (None, "boost")]
)
def test_turbo_is_noted_with_the_drivers_own_switch(driver: str | None, file: str) -> None:
    cpu = Cpu(governor=("performance",), driver=driver, turbo=True)
    turbo = list(judge_frequency(cpu))[1]
    assert (turbo.subject, turbo.status) == ("turbo", "note")
    assert turbo.fix.endswith(file)


def test_an_unknown_governor_is_noted_with_its_reason() -> None:
    finding = only(judge_frequency(Cpu(reasons={"governor": "hidden"})))
    assert (finding.status, finding.text) == ("note", "governor unknown: hidden")


def test_a_quiet_machine_is_right() -> None:
    assert only(judge_contention(QUIET)).status == "ok"


@pytest.mark.parametrize(
    "noisy", [Contention(1.0, 0.12, 0.0, 0.0, 0.0, 0.1), Contention(1.0, 0.01, 0.0, 0.0, 0.2, 0.1)]
)
def test_load_by_others_is_a_warning(noisy: Contention) -> None:
    finding = only(judge_contention(noisy))
    assert finding.status == "warn"
    assert finding.fix


def test_load_that_cannot_be_read_is_not_called_quiet() -> None:
    assert only(judge_contention(Contention(1.0))).status == "note"


def test_five_percent_steal_is_a_warning() -> None:
    stolen = Contention(1.0, 0.0, 0.05, 0.0)
    finding = only(judge_virtual(Cpu(virtual=True), stolen))
    assert finding.status == "warn"
    assert "took 5.0%" in finding.text


@pytest.mark.parametrize(("virtual", "count"), [(True, 1), (False, 0), (None, 1)])
def test_a_hypervisor_without_steal_is_a_note(virtual: bool | None, count: int) -> None:
    assert (
        statuses(judge_virtual(Cpu(virtual=virtual), QUIET))
        == [("virtual machine", "note")] * count
    )


def test_little_memory_a_limit_and_swap_are_told() -> None:
    memory = Memory(8 << 30, 1 << 30, 4 << 30, 2 << 30, 1 << 30)
    assert statuses(judge_memory(memory)) == [
        ("memory", "warn"),
        ("memory", "note"),
        ("swap", "warn"),
    ]
    assert not list(judge_memory(Memory(8 << 30, 7 << 30, None, 0, 0)))


@pytest.mark.parametrize(
    ("disk", "status"),
    [
        (Disk("ext4", 100 << 30, 200 << 30), "ok"),
        (Disk("ext4", 1 << 30, 200 << 30), "warn"),
        (Disk("tmpfs", 100 << 30, 200 << 30), "warn"),
        (Disk("nfs4", 100 << 30, 200 << 30), "note"),
    ],
)
def test_runs_go_to_a_disk_with_space(disk: Disk, status: str) -> None:
    finding = only(judge_disk(disk))
    assert finding.status == status
    assert bool(finding.fix) == (status != "ok")


def test_a_user_with_every_right_is_told_so_once() -> None:
    rights = Permissions(True, True, True, 2, 4096, None, 1 << 20, 1 << 30, 1 << 30)
    assert statuses(judge_permissions(rights)) == [("real-time priority", "ok")]


def test_each_missing_right_says_what_to_type() -> None:
    rights = Permissions(False, False, False, 4, 256, None, 4096, 64 << 20, 1 << 20)
    findings = list(judge_permissions(rights))
    assert statuses(findings) == [
        ("real-time priority", "note"),
        ("pinning", "missing"),
        ("cpu energy", "note"),
        ("performance counters", "note"),
        ("limits", "note"),
        ("limits", "note"),
        ("shared memory", "warn"),
    ]
    assert all(finding.fix for finding in findings)


def test_the_machine_is_described() -> None:
    cpu = Cpu("EPYC", available=(0, 1), cores=((0,), (1,)))
    finding = only(judge_system(cpu, Memory(8 << 30), LAPTOP))
    assert "EPYC, 2 cores, 2 processors to use, 8.0 GiB" in finding.text


def test_a_container_and_another_system_are_told() -> None:
    elsewhere = replace(LAPTOP, system="Darwin", container="docker")
    assert statuses(judge_system(Cpu(), Memory(), elsewhere)) == [
        ("machine", "ok"),
        ("machine", "missing"),
        ("container", "note"),
    ]


@pytest.mark.parametrize(
    ("torch", "gpus", "status"),
    [
        (TorchBuild("2.13.0", "13.0", True, 1), GPUS, "ok"),
        (TorchBuild("2.13.0+cpu"), Gpus(), "ok"),
        (TorchBuild("2.13.0+cpu"), GPUS, "warn"),
        (TorchBuild("2.13.0", "13.0", problem="driver too old"), GPUS, "warn"),
        (TorchBuild(problem="No module named 'torch'"), Gpus(), "missing"),
    ],
)
def test_torch_fits_the_machine(torch: TorchBuild, gpus: Gpus, status: str) -> None:
    finding = only(judge_torch(torch, gpus))
    assert finding.status == status
    assert torch.problem in finding.text
    assert bool(finding.fix) == (status != "ok")


def test_no_gpu_is_noted_with_nvmls_reason() -> None:
    finding = only(judge_gpus(Gpus(reasons={"devices": "Driver Not Loaded"}), own=1))
    assert finding.status == "note"
    assert "Driver Not Loaded" in finding.text


def test_a_gpu_in_order_is_right() -> None:
    assert statuses(judge_gpus(GPUS, own=1)) == [("driver", "ok"), ("gpu 0", "ok")]


def test_a_foreign_process_on_a_gpu_is_a_warning() -> None:
    busy = Gpu(
        1, "GPU-2", "A100", compute_mode="default", persistence=True, mig=False,
        processes=(GpuProcess(41, None), GpuProcess(1, None)),
    )  # fmt: skip
    foreign = list(judge_gpus(Gpus((busy,), "580"), own=1))[-1]
    assert (foreign.subject, foreign.status) == ("gpu 1", "warn")
    assert "process 41)" in foreign.text


def test_modes_that_hinder_sharing_are_told() -> None:
    odd = Gpu(0, "GPU-1", mig=True, compute_mode="exclusive_process", persistence=False)
    assert [finding.fix for finding in judge_gpus(Gpus((odd,), "580"), own=1)][2:] == [
        "sudo nvidia-smi -i 0 -c DEFAULT",
        "sudo nvidia-smi -i 0 -pm 1",
        "sudo nvidia-smi -i 0 -mig 0",
    ]


def test_what_a_gpu_did_not_say_is_noted() -> None:
    shy = Gpu(0, "GPU-1", reasons={"processes": "No Permission", "mig": "Not Supported"})
    assert "processes unknown: No Permission" in [f.text for f in judge_gpus(Gpus((shy,)), own=1)]


def test_missing_extras_say_what_to_type() -> None:
    findings = list(judge_extras({"dev": ("x",), "vision": ("pillow",), "other": ()}))
    assert statuses(findings) == [("extra vision", "note"), ("extra other", "ok")]
    assert findings[0].fix == "pip install 'mlbench[vision]'"
