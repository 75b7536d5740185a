"""NVIDIA's library, opened for a probe: its devices, those that MIG has cut off among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from mlbench.interfaces.probe import Context, Device, Metric
from mlbench.machine.nvml import initialised
from mlbench.probes.nvml_errors import Fate, fate_of

__all__ = ["Handle", "Library", "opened"]

STAND_IN = "stand-in"
"""What a driver that is none calls itself; its numbers say so wherever they are shown."""


@dataclass(frozen=True)
class Handle:
    """A device that can be asked.

    Parameters
    ----------
    name
        In samples, ``gpu0`` or ``gpu0/mig1``.
    handle
        NVML's.
    parent, instance
        Of a MIG instance, the handle of its GPU and the id of its GPU instance.
    is_cut
        Whether MIG has cut the GPU into instances: its processes are theirs.
    """

    name: str
    handle: Any  # Any: a pointer of pynvml
    parent: Any = None  # Any: a pointer of pynvml
    instance: int | None = None
    is_cut: bool = False


@dataclass(frozen=True)
class Library:
    """pynvml, initialised, and the devices that it lists."""

    nvml: Any  # Any: the module pynvml, which has no types
    handles: tuple[Handle, ...]
    driver: str


@contextmanager
def opened(context: Context, metrics: Iterable[Metric]) -> Iterator[Library | None]:
    """NVML with its devices; null, with the reason told of every metric, where it has none."""
    declared = tuple(metrics)
    nvml, reason = initialised()
    if nvml is None:
        _none_of(declared, context, reason)
        yield None
        return
    try:
        driver = str(_answer(nvml.nvmlSystemGetDriverVersion))
        is_stand_in = STAND_IN in driver.lower()
        if is_stand_in:
            for metric in declared:
                context.from_source(metric.name, STAND_IN)
        source = STAND_IN if is_stand_in else "NVML"
        handles = tuple(_handles(nvml, context, source))
        if not handles:
            _none_of(declared, context, "NVML lists no GPU that it can open")
        yield Library(nvml, handles, driver) if handles else None
    finally:
        with suppress(nvml.NVMLError):  # what was read stays true
            nvml.nvmlShutdown()


def _none_of(metrics: Iterable[Metric], context: Context, reason: str) -> None:
    for metric in metrics:
        context.missing(metric.name, reason)


def _answer(
    question: Callable[..., Any], *arguments: object
) -> Any:  # Any: whatever NVML answers, null if it does not
    from pynvml import NVMLError

    try:
        return question(*arguments)
    except NVMLError:
        return None


def _handles(nvml: Any, context: Context, source: str) -> Iterator[Handle]:  # Any: pynvml
    for index in range(_answer(nvml.nvmlDeviceGetCount) or 0):
        name = f"gpu{index}"
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError as error:
            context.device(Device(name, "gpu", source))
            if fate_of(error.value) is Fate.LOST:
                context.lost(name, str(error))
            else:
                context.note(f"{name} cannot be opened: {error}")
            continue
        context.device(_described(nvml, Device(name, "gpu", source), handle))
        parts = tuple(_instances(nvml, name, handle))
        yield Handle(name, handle, is_cut=bool(parts))
        for part in parts:
            device = Device(part.name, "mig", source, parent=name)
            context.device(_described(nvml, device, part.handle))
            yield part


def _instances(nvml: Any, name: str, parent: Any) -> Iterator[Handle]:  # Any: pynvml
    mode = _answer(nvml.nvmlDeviceGetMigMode, parent)
    if not mode or mode[0] != 1:
        return
    for index in range(_answer(nvml.nvmlDeviceGetMaxMigDeviceCount, parent) or 0):
        handle = _answer(nvml.nvmlDeviceGetMigDeviceHandleByIndex, parent, index)
        if handle is not None:  # their numbers have gaps
            instance = _answer(nvml.nvmlDeviceGetGpuInstanceId, handle)
            yield Handle(f"{name}/mig{index}", handle, parent, instance)


def _described(nvml: Any, device: Device, handle: Any) -> Device:  # Any: pynvml
    memory = _answer(nvml.nvmlDeviceGetMemoryInfo, handle)
    return Device(
        device.name,
        device.kind,
        device.source,
        uuid=_answer(nvml.nvmlDeviceGetUUID, handle),
        model=_answer(nvml.nvmlDeviceGetName, handle),
        parent=device.parent,
        memory_bytes=None if memory is None else int(memory.total),
    )
