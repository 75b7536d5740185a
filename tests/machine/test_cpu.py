"""The processors, read from a made-up machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlbench.machine.cpu import available_cpus, read_cpu

from .conftest import Plant

pytestmark = pytest.mark.unit

SYS = "sys/devices/system/cpu"

WORKSTATION = {
    "proc/cpuinfo": (
        "processor\t: 0\nmodel name\t: Xeon\nflags\t\t: fpu sse\n\n"
        "processor\t: 1\nmodel name\t: other\n"
    ),
    f"{SYS}/online": "0-3\n",
    **{f"{SYS}/cpu{cpu}/topology/core_cpus_list": f"{cpu % 2},{cpu % 2 + 2}\n" for cpu in range(4)},
    **{f"{SYS}/cpu{cpu}/cpufreq/scaling_governor": "powersave\n" for cpu in range(4)},
    **{f"{SYS}/cpu{cpu}/cpufreq/scaling_driver": "intel_pstate\n" for cpu in range(4)},
    f"{SYS}/intel_pstate/no_turbo": "0\n",
    "sys/devices/system/node/has_cpu": "0\n",
    "sys/devices/system/node/node0/cpulist": "0-3\n",
}


def test_a_workstation_says_everything(plant: Plant) -> None:
    cpu = read_cpu(plant(WORKSTATION), available=(0, 1))
    assert cpu.model == "Xeon"
    assert cpu.available == (0, 1)
    assert cpu.online == (0, 1, 2, 3)
    assert cpu.cores == ((0, 2), (1, 3))
    assert cpu.threads_per_core == 2
    assert cpu.numa_nodes == ((0, 1, 2, 3),)
    assert (cpu.governor, cpu.driver) == (("powersave",), "intel_pstate")
    assert cpu.turbo is True
    assert cpu.virtual is False
    assert dict(cpu.reasons) == {"quota_cpus": "the control group sets no limit"}


def test_governors_that_differ_are_all_named(plant: Plant) -> None:
    governor = {f"{SYS}/cpu3/cpufreq/scaling_governor": "performance\n"}
    cpu = read_cpu(plant({**WORKSTATION, **governor}), available=(0, 3))
    assert cpu.governor == ("performance", "powersave")


def test_boost_of_other_drivers_is_turbo(plant: Plant) -> None:
    assert read_cpu(plant({f"{SYS}/cpufreq/boost": "0\n"})).turbo is False


def test_siblings_have_an_older_name(plant: Plant) -> None:
    old = {f"{SYS}/cpu{cpu}/topology/thread_siblings_list": "0-1\n" for cpu in (0, 1)}
    assert read_cpu(plant({f"{SYS}/online": "0-1\n", **old})).cores == ((0, 1),)


def test_a_hypervisor_shows_in_the_flags(plant: Plant) -> None:
    root = plant({"proc/cpuinfo": "model name: EPYC\nflags: fpu hypervisor sse\n"})
    assert read_cpu(root).virtual is True


def test_an_arm_kernel_says_neither_model_nor_hypervisor(plant: Plant) -> None:
    cpu = read_cpu(plant({"proc/cpuinfo": "processor: 0\nFeatures: fp asimd\n"}))
    assert cpu.model is None
    assert cpu.virtual is None
    assert {"model", "virtual"} <= set(cpu.reasons)


def test_what_no_file_says_is_null_with_a_reason(tmp_path: Path) -> None:
    cpu = read_cpu(tmp_path, available=(0,))
    null = {name for name in cpu.__dataclass_fields__ if getattr(cpu, name) is None}
    assert null == set(cpu.reasons)
    assert {"model", "cores", "governor", "turbo", "virtual"} <= null
    assert cpu.threads_per_core is None


def test_without_affinity_all_processors_are_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert available_cpus() == (0, 1, 2)
