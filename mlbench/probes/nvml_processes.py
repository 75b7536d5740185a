"""The processes on a device, as NVML sees them: their memory, and their share of its work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from mlbench.interfaces.probe import Context, Row
from mlbench.probes.nvml_calls import ProcessCall, UtilizationCall
from mlbench.probes.nvml_columns import Column, Columns
from mlbench.probes.nvml_devices import Handle
from mlbench.probes.nvml_errors import Fate, fate_of

__all__ = ["SELDOM_NS", "process_columns"]

SELDOM_NS = 90_000_000
"""What the driver renews six times a second, or walks a list for, is asked ten times at most."""

MEMORY, SM, MEMORY_BUSY = "gpu_process_memory", "gpu_process_sm", "gpu_process_memory_busy"

NOT_SUPPORTED = 3
NOT_AVAILABLE = 2**64 - 1
"""What Windows says of a process's memory."""

INITIAL_NAMESPACE = "pid:[4026531836]"
"""The inode of the namespace in which process ids are the host's (PROC_PID_INIT_INO)."""


def process_columns(columns: Columns, handle: Handle) -> Iterator[Column]:
    """The columns of a device that have a row for each process."""
    processes = _Processes(columns, handle)
    yield Column(handle.name, "medium", (MEMORY,), processes.memory, apart_ns=SELDOM_NS)
    # MIG: nvml.h says that process utilisation is not supported there; it is asked, and told.
    activity = processes.activity
    yield Column(handle.name, "medium", (SM, MEMORY_BUSY), activity, apart_ns=SELDOM_NS)


class _Processes:
    """What the processes of one device hold and do; the calls are made at the first question."""

    def __init__(self, columns: Columns, handle: Handle) -> None:
        self._nvml = columns.nvml
        self._context: Context = columns.context
        self._handle = handle
        self._lists: list[ProcessCall] | None = None
        self._utilization: UtilizationCall | None = None
        self._seen_us = 0
        self._host_ids = _ids_are_the_hosts(columns.context)

    def memory(self) -> list[Row]:
        """What each process holds of the device's memory."""
        if self._lists is None:
            direct = _newest(self._nvml, "nvmlDeviceGetComputeRunningProcesses", self._handle)
            if direct is None:
                raise self._nvml.NVMLError(NOT_SUPPORTED)
            clients = _newest(self._nvml, "nvmlDeviceGetMPSComputeRunningProcesses", self._handle)
            self._lists = [direct] if clients is None else [direct, clients]
        rows: list[Row] = []
        for ask in self._lists:
            found, now_ns = ask(), self._context.clock()
            for process in found:
                held = process.usedGpuMemory
                if held != NOT_AVAILABLE:
                    rows.append(self._row(MEMORY, float(held), now_ns, None, int(process.pid)))
        return rows

    def activity(self) -> list[Row]:
        """What each process used since the last rows of the driver; one that did nothing has none.

        The rows carry the wall clock of their instant, and cover the time since those before.
        """
        if self._utilization is None:
            self._utilization = UtilizationCall(self._nvml, self._handle.handle)
        found = self._utilization(self._seen_us)
        offset_ns, begin_us = self._context.clock() - time.time_ns(), self._seen_us
        rows: list[Row] = []
        for process in found:
            end_us, pid = int(process.timeStamp), int(process.pid)
            if end_us <= begin_us:
                continue
            self._seen_us = max(self._seen_us, end_us)
            end_ns = end_us * 1000 + offset_ns
            start_ns = begin_us * 1000 + offset_ns if begin_us else None
            rows.append(self._row(SM, float(process.smUtil), end_ns, start_ns, pid))
            rows.append(self._row(MEMORY_BUSY, float(process.memUtil), end_ns, start_ns, pid))
        return rows

    def _row(self, metric: str, value: float, end_ns: int, start_ns: int | None, pid: int) -> Row:
        owner = self._context.owners().get(pid)
        if owner is None and not self._host_ids:
            self._context.note(
                "NVML numbers processes as the host does, this is a container with numbers of its "
                "own: what runs on a GPU cannot be told apart by pipeline (docker run --pid=host)"
            )
        return (metric, value, end_ns, start_ns, self._handle.name, owner, pid)


def _newest(nvml: Any, function: str, handle: Handle) -> ProcessCall | None:  # Any: pynvml
    """The newest version of a list that the driver has for this device; null without any.

    The unversioned functions of pynvml raise something that is no NVMLError where the driver
    is older than it.
    """
    for version in ("v3", "v2"):
        try:
            found = ProcessCall(nvml, f"{function}_{version}", handle.handle)
            found()
        except nvml.NVMLError as error:
            if fate_of(error.value) is Fate.GONE:
                continue
            raise
        return found
    return None


def _ids_are_the_hosts(context: Context) -> bool:
    """Whether this process sees the process ids that NVML, which knows only those, gives."""
    try:
        namespace = (context.root / "proc/self/ns/pid").readlink()
    except OSError:
        return True
    return str(namespace) == INITIAL_NAMESPACE
