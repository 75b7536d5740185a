"""Probe: what NVIDIA's driver says of its GPUs: power, memory, clocks, and who uses them.

``gpu_busy`` is the share of time in which any kernel ran, however small: it is no activity
of SMs, which `mlbench.probes.gpm` gives on Hopper and later. ``nvmlDeviceGetPcieThroughput``
is never called (it blocks for 20 ms, and there are byte counters), nor
``nvmlDeviceGetGraphicsRunningProcesses`` (it can take 4.5 ms).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from mlbench.interfaces.probe import Context, Metric, Probe, Row, Source, Tier
from mlbench.probes.counter import Counter
from mlbench.probes.nvml_calls import StructCall
from mlbench.probes.nvml_columns import Column, Columns
from mlbench.probes.nvml_devices import Handle, Library, opened
from mlbench.probes.nvml_fields import Field, Fields
from mlbench.probes.nvml_processes import SELDOM_NS, process_columns
from mlbench.probes.power_sensor import ASSUMED_PERIOD_MS, publishing_periods
from mlbench.probes.sensor_cache import known_sensor

__all__ = ["Nvml"]

POWER_AVERAGE, POWER_INSTANT, ENERGY, PCIE_SENT, PCIE_RECEIVED = 185, 186, 83, 197, 198
"""Fields, as ``nvml.h`` numbers them."""

SM_CLOCK, MEMORY_CLOCK, CHIP = 1, 2, 0
"""Its clocks, and its one temperature sensor."""

Functions = tuple[Callable[..., Any], ...]
"""Of pynvml; Any: it has no types."""


def _of_device(
    name: str, unit: str, source: str, tier: Tier, meaning: str, increase: bool = False
) -> Metric:
    kind = "increase" if increase else "level"
    return Metric(name, unit, source, kind, tier, "device", meaning)  # type: ignore[arg-type]  # a literal


class Nvml(Probe):
    """GPUs by NVML."""

    thread = "nvml"
    metrics = (
        _of_device("gpu_power_instant", "W", "NVML field 186", "fast", "what its sensor shows"),
        _of_device("gpu_power_average", "W", "NVML field 185", "fast", "mean of the last second"),
        _of_device("gpu_energy", "J", "NVML field 83", "fast", "its energy counter", True),
        _of_device("gpu_memory_used", "bytes", "NVML memory info", "fast", "allocated memory"),
        _of_device("gpu_busy", "%", "NVML utilization", "medium", "time with any kernel"),
        _of_device("gpu_memory_busy", "%", "NVML utilization", "medium", "time with memory access"),
        _of_device("gpu_pcie_sent", "bytes", "NVML field 197", "medium", "from the GPU", True),
        _of_device("gpu_pcie_received", "bytes", "NVML field 198", "medium", "to the GPU", True),
        _of_device("gpu_clock_sm", "MHz", "NVML clock info", "slow", "clock of the SMs"),
        _of_device("gpu_clock_memory", "MHz", "NVML clock info", "slow", "clock of the memory"),
        _of_device("gpu_temperature", "°C", "NVML temperature", "slow", "of the chip"),
        _of_device("gpu_clock_reasons", "bits", "NVML clock event reasons", "slow", "why slower"),
        Metric(
            "gpu_process_memory", "bytes", "NVML processes", of="process",
            meaning="memory that a process holds",
        ),
        Metric(
            "gpu_process_sm", "%", "NVML process utilization", "mean", of="process",
            meaning="share of the SMs' time that a process used",
        ),
        Metric(
            "gpu_process_memory_busy", "%", "NVML process utilization", "mean", of="process",
            meaning="share of the time in which a process used the memory",
        ),
    )  # fmt: skip

    @contextmanager
    def open(self, context: Context) -> Iterator[Source]:
        """Yield the columns of all devices."""
        with opened(context, self.metrics) as library:
            if library is None:
                yield lambda _: ()
                return
            columns = Columns(library.nvml, context)
            for handle in library.handles:
                for column in _columns_of(columns, handle):
                    columns.add(column)
            _find_periods(library, context)
            yield columns.read


def _columns_of(columns: Columns, handle: Handle) -> Iterator[Column]:
    """All that one device is asked."""
    nvml, ask = columns.nvml, _Question(columns.context, handle)
    yield _fields(columns, handle, "fast", _power(columns, ask))
    memory = StructCall(nvml, "nvmlDeviceGetMemoryInfo", nvml.c_nvmlMemory_t)
    yield ask.of("fast", (memory,), gpu_memory_used=lambda x: x.used)
    busy = ask.of(
        "medium",
        (StructCall(nvml, "nvmlDeviceGetUtilizationRates", nvml.c_nvmlUtilization_t),),
        gpu_busy=lambda x: x.gpu,
        gpu_memory_busy=lambda x: x.memory,
    )
    yield replace(busy, apart_ns=SELDOM_NS)
    yield _fields(columns, handle, "medium", _traffic())
    if not handle.is_cut:
        yield from process_columns(columns, handle)
    clock = (nvml.nvmlDeviceGetClockInfo,)
    yield ask.of("slow", clock, SM_CLOCK, gpu_clock_sm=float)
    yield ask.of("slow", clock, MEMORY_CLOCK, gpu_clock_memory=float)
    heat = _either(nvml, "nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature")
    yield ask.of("slow", heat, CHIP, gpu_temperature=float)
    reasons = _either(
        nvml, "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"
    )
    yield ask.of("slow", reasons, gpu_clock_reasons=float)


def _either(nvml: Any, *names: str) -> Functions:  # Any: pynvml
    """A function and its older name, as far as this pynvml has them."""
    return tuple(getattr(nvml, name) for name in names if hasattr(nvml, name))


def _fields(columns: Columns, handle: Handle, tier: Tier, fields: Sequence[Field]) -> Column:
    metrics = tuple(field.metric for field in fields)
    return Column(handle.name, tier, metrics, Fields(columns, handle, fields).ask)


def _traffic() -> list[Field]:
    return [
        Field(number, metric, counter=Counter(metric))
        for number, metric in ((PCIE_SENT, "gpu_pcie_sent"), (PCIE_RECEIVED, "gpu_pcie_received"))
    ]


def _power(columns: Columns, ask: _Question) -> list[Field]:
    """Power and energy by one call; what a device lacks has an older function, or none."""
    nvml, milli = columns.nvml, 1e-3

    def average() -> Column:
        columns.context.note(
            "gpu_power_average is that of nvmlDeviceGetPowerUsage where a GPU has no such field: "
            "a mean of the last second on most GPUs since Ampere"
        )
        usage = (nvml.nvmlDeviceGetPowerUsage,)
        return ask.of("fast", usage, gpu_power_average=lambda x: x * milli)

    return [
        Field(POWER_INSTANT, "gpu_power_instant", milli),
        Field(POWER_AVERAGE, "gpu_power_average", milli, otherwise=average),
        Field(ENERGY, "gpu_energy", milli, Counter("gpu_energy")),
    ]


class _Question:
    """Makes columns of plain functions of NVML: one call, one number of each metric."""

    def __init__(self, context: Context, handle: Handle) -> None:
        self._context = context
        self._handle = handle

    def of(
        self,
        tier: Tier,
        functions: Functions,
        *arguments: object,
        **numbers: Callable[[Any], float],  # Any: pynvml's answer
    ) -> Column:
        """The column of a function; ``numbers`` takes each metric out of its answer.

        Parameters
        ----------
        functions
            The one to ask, and those that stand in for it where the driver does not have it.
        """
        handle, device, clock = self._handle.handle, self._handle.name, self._context.clock
        function, *older = functions
        taken = tuple(numbers.items())

        def ask() -> list[Row]:
            answer = function(handle, *arguments)
            now_ns = clock()
            return [
                (metric, float(number(answer)), now_ns, None, device, None, None)
                for metric, number in taken
            ]

        def otherwise() -> Column:
            return self.of(tier, tuple(older), *arguments, **numbers)

        return Column(device, tier, tuple(numbers), ask, otherwise if older else None)


def _find_periods(library: Library, context: Context) -> None:
    """Tell how often each GPU's power sensor publishes a value, and what of that time it sees.

    What ``make gpu-check`` found out under a load is known; of others the period is looked at.
    """
    nvml = library.nvml
    handles = {each.name: each.handle for each in library.handles if each.parent is None}
    for name in tuple(handles):
        device = context.devices[name]
        if (sensor := known_sensor(device.uuid, library.driver)) is not None:
            del handles[name]
            context.device(
                replace(
                    device,
                    power_period_ms=sensor.period_ms,
                    power_period_measured=True,
                    power_window_ms=sensor.window_ms,
                )
            )

    def shown(name: str) -> object:
        try:
            values = nvml.nvmlDeviceGetFieldValues(handles[name], [POWER_INSTANT, ENERGY])
        except nvml.NVMLError:
            return None
        known = [value.value.ullVal for value in values if not value.nvmlReturn]
        return tuple(known) or None

    found = publishing_periods(tuple(handles), shown) if handles else {}
    for name in handles:
        device = context.devices[name]
        period_ms = found.get(name, ASSUMED_PERIOD_MS)
        context.device(
            replace(device, power_period_ms=period_ms, power_period_measured=name in found)
        )
