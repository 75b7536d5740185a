"""Limits of control groups: the tightest from the process's own group upwards counts."""

from __future__ import annotations

import pytest

from mlbench.machine.cgroup import cpu_quota, memory_limit_bytes

from .conftest import Plant

pytestmark = pytest.mark.unit


def test_version_2_reads_the_group_of_the_process(plant: Plant) -> None:
    root = plant(
        {
            "proc/self/cgroup": "0::/user/job\n",
            "sys/fs/cgroup/user/job/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/user/job/memory.max": "1073741824\n",
        }
    )
    assert cpu_quota(root) == 1.5
    assert memory_limit_bytes(root) == 1 << 30


def test_a_tighter_limit_of_a_group_above_counts(plant: Plant) -> None:
    root = plant(
        {
            "proc/self/cgroup": "0::/slurm/job_7/step_0\n",
            "sys/fs/cgroup/slurm/job_7/step_0/cpu.max": "max 100000\n",
            "sys/fs/cgroup/slurm/job_7/cpu.max": "400000 100000\n",
            "sys/fs/cgroup/slurm/cpu.max": "800000 100000\n",
        }
    )
    assert cpu_quota(root) == 4


def test_version_1_in_a_container_is_read_at_the_mount_point(plant: Plant) -> None:
    root = plant(
        {
            "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
        }
    )
    assert cpu_quota(root) == 2
    assert memory_limit_bytes(root) == 1 << 29


def test_no_limit_is_null_in_both_versions(plant: Plant) -> None:
    root = plant(
        {
            "proc/self/cgroup": "4:cpu:/\n3:memory:/\n0::/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/unified/cpu.max": "max 100000\n",
        }
    )
    assert cpu_quota(root) is None
    assert memory_limit_bytes(root) is None
