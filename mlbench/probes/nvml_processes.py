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
        owner_of, device = self._context.owners().get, self._handle.name
        rows: list[Row] = []
        for ask in self._lists:
            found, now_ns = ask(), self._context.clock()
            rows += [
                (MEMORY, held, now_ns, None, device, owner_of(pid), pid)
                for pid, held in found
                if held != NOT_AVAILABLE
            ]
        return self._told(rows)

    def activity(self) -> list[Row]:
        """What each process used since the last rows of the driver; one that did nothing has none.

        The rows carry the wall clock of their instant, and cover the time since those before.
        """
        if self._utilization is None:
            self._utilization = UtilizationCall(self._nvml, self._handle.handle)
        begin_us = self._seen_us
        found = self._utilization.rows(begin_us)
        owner_of, device = self._context.owners().get, self._handle.name
        offset_ns = self._context.clock() - time.time_ns()
        start_ns = begin_us * 1000 + offset_ns if begin_us else None
        rows: list[Row] = []
        for pid, end_us, sm, memory_busy in found:
            if end_us <= begin_us:
                continue
            self._seen_us = max(self._seen_us, end_us)
            end_ns, owner = end_us * 1000 + offset_ns, owner_of(pid)
            rows.append((SM, sm, end_ns, start_ns, device, owner, pid))
            rows.append((MEMORY_BUSY, memory_busy, end_ns, start_ns, device, owner, pid))
        return self._told(rows)

    def _told(self, rows: list[Row]) -> list[Row]:
        """The rows; where nobody's can be told apart, that is noted."""
        if not self._host_ids and any(owner is None for *_, owner, _ in rows):
            self._context.note(
                "NVML numbers processes as the host does, this is a container with numbers of its "
                "own: what runs on a GPU cannot be told apart by pipeline (docker run --pid=host)"
            )
        return rows


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
