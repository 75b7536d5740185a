"""Judgements on the host: from what was read to what it means for a measurement."""

from __future__ import annotations

from collections.abc import Iterator

from mlbench.machine.contention import Contention
from mlbench.machine.cpu import Cpu
from mlbench.machine.disk import Disk
from mlbench.machine.finding import Finding, gib
from mlbench.machine.kernel import cpu_range
from mlbench.machine.memory import Memory
from mlbench.machine.permissions import FIXES, Permissions

__all__ = [
    "judge_contention",
    "judge_cpu",
    "judge_disk",
    "judge_frequency",
    "judge_memory",
    "judge_permissions",
    "judge_virtual",
]

BUSY_SHARE = 0.05
"""One core of twenty: enough to move a 99th percentile."""

STEAL_SHARE = 0.01
"""A stolen slice of some milliseconds in every second shows in any tail."""

FREE_DISK_BYTES = 5 << 30
"""Ten million spans are about 1 GB before they are compacted."""

FREE_MEMORY_BYTES = 2 << 30
SHARED_MEMORY_BYTES = 256 << 20
OPEN_FILES = 1024
PIPE_BYTES = 1 << 20

MEMORY_FILESYSTEMS = ("tmpfs", "ramfs")
NETWORK_FILESYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "9p", "lustre", "beegfs", "gpfs", "ceph")


def judge_cpu(cpu: Cpu) -> Iterator[Finding]:
    """Findings on the processors that may be used, their quota and their siblings."""
    usable = len(cpu.available)
    if usable < 2:
        yield Finding(
            "cpu",
            "warn",
            "one processor for the pipelines and for what drives them: arrivals will be late",
            "taskset -c 0-3 mlbench ..., or srun --cpus-per-task=4",
        )
    if cpu.quota_cpus is not None and cpu.quota_cpus < usable:
        yield Finding(
            "cpu",
            "warn",
            f"the control group gives {cpu.quota_cpus:g} processors' worth of time on {usable}: "
            "when it is used up, everything stops until the next period",
            "docker run --cpuset-cpus=0-3 instead of --cpus=4",
        )
    yield from _judge_siblings(cpu)


def _judge_siblings(cpu: Cpu) -> Iterator[Finding]:
    mine = set(cpu.available)
    cores = [core for core in cpu.cores or () if mine & set(core)]
    foreign = sorted({sibling for core in cores for sibling in core} - mine)
    if foreign:
        yield Finding(
            "smt",
            "warn",
            f"processors {cpu_range(tuple(foreign))} share cores with yours but are not yours: "
            "what others run there slows yours",
            "srun --exclusive, or --hint=nomultithread",
        )
    elif (cpu.threads_per_core or 1) > 1:
        yield Finding(
            "smt",
            "note",
            f"{len(cores)} cores run {len(mine)} processors: two pipelines on one core contend "
            "inside of it; the default division gives whole cores where there are enough",
            "echo off | sudo tee /sys/devices/system/cpu/smt/control",
        )


def judge_frequency(cpu: Cpu) -> Iterator[Finding]:
    """Findings on what moves the clock frequency."""
    if cpu.governor is None:
        reason = cpu.reasons.get("governor", "unknown")
        yield Finding("frequency", "note", f"governor unknown: {reason}")
    elif cpu.governor == ("performance",):
        yield Finding("frequency", "ok", "governor performance")
    else:
        by = f" of {cpu.driver}" if cpu.driver else ""
        yield Finding(
            "frequency",
            "warn",
            f"governor {', '.join(cpu.governor)}{by}: the clock follows the load, so a pipeline "
            "alone may run slower than beside another",
            "sudo cpupower frequency-set -g performance",
        )
    if cpu.turbo:
        intel = cpu.driver is not None and cpu.driver.startswith("intel")
        yield Finding(
            "turbo",
            "note",
            "on: the clock falls when more cores are busy, which a slowdown then includes",
            "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
            if intel
            else "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost",
        )


def judge_contention(contention: Contention) -> Iterator[Finding]:
    """Findings on what others run on this machine at this moment."""
    busy = contention.busy_share
    if busy is None:
        reason = contention.reasons.get("busy_share", "unknown")
        yield Finding("load by others", "note", f"unknown: {reason}")
        return
    average = contention.load_average
    recent = "" if average is None else f"; load average {average:.2f}"
    waited = contention.pressure_share
    pressed = "" if waited is None else f"; tasks waited for a processor {waited:.1%} of the time"
    text = f"your processors were {busy:.1%} busy for {contention.seconds:.1f} s"
    noisy = busy >= BUSY_SHARE or (waited or 0) >= BUSY_SHARE
    yield Finding(
        "load by others",
        "warn" if noisy else "ok",
        f"{text}{pressed}{recent}",
        "top -o %CPU, and end what is not needed" if noisy else "",
    )


def judge_virtual(cpu: Cpu, contention: Contention) -> Iterator[Finding]:
    """Findings on a hypervisor below the kernel, and the time that it takes."""
    shares = (contention.steal_share, contention.steal_share_since_boot)
    stolen = max((share for share in shares if share is not None), default=None)
    if stolen is not None and stolen >= STEAL_SHARE:
        yield Finding(
            "virtual machine",
            "warn",
            f"the hypervisor took {stolen:.1%} of your processors' time: another machine on "
            "this host is a third party to every measurement",
            "use a dedicated host, or instances whose processors are not shared",
        )
    elif cpu.virtual:
        steal = "unknown" if stolen is None else f"{stolen:.2%}"
        yield Finding(
            "virtual machine",
            "note",
            f"steal {steal}: neighbours on the host can slow memory and disk without showing here",
        )
    elif cpu.virtual is None:
        yield Finding("virtual machine", "note", cpu.reasons.get("virtual", "unknown"))


def judge_memory(memory: Memory) -> Iterator[Finding]:
    """Findings on free memory, its limit and swapping."""
    available, limit = memory.available_bytes, memory.limit_bytes
    if available is not None and available < FREE_MEMORY_BYTES:
        yield Finding(
            "memory",
            "warn",
            f"{gib(available)} are free: pipelines will swap or be ended by the kernel",
            "top -o %MEM, and end what is not needed",
        )
    if limit is not None and limit < (memory.total_bytes or limit + 1):
        yield Finding(
            "memory",
            "note",
            f"the control group allows {gib(limit)}: beyond it the kernel ends a process",
        )
    used = (memory.swap_total_bytes or 0) - (memory.swap_free_bytes or 0)
    if used > 0:
        yield Finding(
            "swap",
            "warn",
            f"{gib(used)} are swapped out: touching them waits for the disk",
            "sudo swapoff -a && sudo swapon -a",
        )


def judge_disk(disk: Disk) -> Iterator[Finding]:
    """Findings on where run directories go."""
    kind = disk.filesystem or "unknown file system"
    text = f"{gib(disk.free_bytes)} free on {kind}"
    if disk.filesystem in MEMORY_FILESYSTEMS:
        yield Finding(
            "disk",
            "warn",
            f"{text}: runs take memory from the pipelines and are lost at a restart",
            "mlbench ... --out DIRECTORY on a disk",
        )
    elif disk.filesystem in NETWORK_FILESYSTEMS:
        yield Finding(
            "disk",
            "note",
            f"{text}: writing goes over the network; a slow server ends a run",
            "mlbench ... --out DIRECTORY on a local disk",
        )
    elif disk.free_bytes is not None and disk.free_bytes < FREE_DISK_BYTES:
        yield Finding(
            "disk",
            "warn",
            f"{text}: a full disk ends the run",
            "mlbench ... --out DIRECTORY on a disk with more space",
        )
    else:
        yield Finding("disk", "ok", text)


def judge_permissions(permissions: Permissions) -> Iterator[Finding]:
    """Findings on rights and limits that measuring needs."""
    yield from _judge_rights(permissions)
    limits = (
        ("open_files", "open files", permissions.open_files, OPEN_FILES),
        ("pipe_max_bytes", "bytes in a pipe", permissions.pipe_max_bytes, PIPE_BYTES),
    )
    for name, what, value, least in limits:
        if value is not None and value < least:
            text = f"at most {value} {what}, fewer than {least}"
            yield Finding("limits", "note", text, FIXES[name])
    yield from _judge_shared_memory(permissions)


def _judge_rights(permissions: Permissions) -> Iterator[Finding]:
    if permissions.realtime:
        yield Finding("real-time priority", "ok", "allowed: the dispatcher can wake on time")
    elif permissions.realtime is False:
        text = "not allowed: on a busy machine the dispatcher wakes up to some milliseconds late"
        yield Finding("real-time priority", "note", text, FIXES["realtime"])
    if permissions.high_priority is False:
        text = "not allowed: a pipeline cannot have priority: high; best_effort works"
        yield Finding("priority", "note", text, FIXES["high_priority"])
    if permissions.pin_cpus is False:
        text = "not allowed: pipelines cannot be kept to their processors"
        yield Finding("pinning", "missing", text, FIXES["pin_cpus"])
    if permissions.rapl is False:
        text = "the counters are there but not readable"
        yield Finding("cpu energy", "note", text, FIXES["rapl"])
    elif permissions.rapl is None:
        yield Finding("cpu energy", "note", permissions.reasons.get("rapl", "unknown"))
    level = permissions.perf_event_paranoid
    if level is not None and level > 2:
        text = f"perf_event_paranoid is {level}: a process may not count its own events"
        yield Finding("performance counters", "note", text, FIXES["perf_event_paranoid"])


def _judge_shared_memory(permissions: Permissions) -> Iterator[Finding]:
    size, free = permissions.shared_memory_bytes, permissions.shared_memory_free_bytes
    if size is not None and free is not None and free < SHARED_MEMORY_BYTES:
        name = "shared_memory_bytes" if size < SHARED_MEMORY_BYTES else "shared_memory_free_bytes"
        yield Finding(
            "shared memory",
            "warn",
            f"{gib(free)} of {gib(size)} free: records and data loaders' workers need it",
            FIXES[name],
        )
