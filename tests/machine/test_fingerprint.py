"""The machine as plain data, and what makes two machines the same."""

from __future__ import annotations

import getpass
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mlbench.machine.cpu import Cpu
from mlbench.machine.fingerprint import fingerprint, identity
from mlbench.machine.gpu import Gpu, Gpus
from mlbench.machine.memory import Memory

CPU = Cpu(model="EPYC", available=(0, 1), online=(0, 1), cores=((0,), (1,)))
MEMORY = Memory(total_bytes=64 << 30)
GPUS = Gpus((Gpu(0, "GPU-1"),), driver="580")


@pytest.mark.unit
def test_the_same_machine_has_the_same_identity() -> None:
    assert identity(CPU, MEMORY, GPUS, "6.1") == identity(CPU, MEMORY, GPUS, "6.1")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("cpu", "memory", "gpus", "kernel"),
    [
        (replace(CPU, model="Xeon"), MEMORY, GPUS, "6.1"),
        (replace(CPU, available=(0,)), MEMORY, GPUS, "6.1"),
        (replace(CPU, quota_cpus=1.5), MEMORY, GPUS, "6.1"),
        (CPU, Memory(total_bytes=32 << 30), GPUS, "6.1"),
        (CPU, MEMORY, replace(GPUS, driver="570"), "6.1"),
        (CPU, MEMORY, replace(GPUS, devices=(Gpu(0, "GPU-2"),)), "6.1"),
        (CPU, MEMORY, GPUS, "6.2"),
    ],
)
def test_another_machine_has_another(cpu: Cpu, memory: Memory, gpus: Gpus, kernel: str) -> None:
    assert identity(cpu, memory, gpus, kernel) != identity(CPU, MEMORY, GPUS, "6.1")


@pytest.mark.unit
def test_what_changes_from_boot_to_boot_is_not_in_it() -> None:
    rebooted = Memory(total_bytes=(64 << 30) - (1 << 20), available_bytes=1)
    assert identity(CPU, rebooted, GPUS, "6.1") == identity(CPU, MEMORY, GPUS, "6.1")


def test_it_is_json_and_reads_back_the_same() -> None:
    found = fingerprint()
    assert json.loads(json.dumps(found)) == found
    assert set(found) == {"identity", "cpu", "memory", "gpus", "software", "permissions"}


def texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def test_it_names_no_host_no_user_and_no_directory() -> None:
    private = {platform.node(), getpass.getuser()}
    for text in texts(fingerprint()):
        assert not private & set(re.split(r"\W+", text)), text
        assert not re.search(r"(^|\s)/\w", text), text


def test_it_imports_nothing_heavy() -> None:
    code = (
        "import sys; from mlbench.machine.fingerprint import fingerprint; fingerprint(); "
        "print({'torch', 'pandas', 'pyarrow', 'numpy', 'pydantic', 'psutil'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
