"""Probe: what NVIDIA's driver says of its GPUs: power, memory, clocks, and who uses them.

``gpu_busy`` is the share of time in which any kernel ran, however small: it is no activity
of SMs, which `mlbench.probes.gpm` gives on Hopper and later. ``nvmlDeviceGetPcieThroughput``
is never called (it blocks for 20 ms, and there are byte counters), nor
``nvmlDeviceGetGraphicsRunningProcesses`` (it can take 4.5 ms).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import byref, c_uint, c_ulonglong
from dataclasses import replace
from functools import partial
from struct import Struct
from typing import Any, NamedTuple

from mlbench.interfaces.probe import Context, Metric, Probe, Row, Source, Tier
from mlbench.probes.counter import Counter
from mlbench.probes.nvml_calls import Call, prepared
from mlbench.probes.nvml_columns import Column, Columns
from mlbench.probes.nvml_devices import Handle, Library, opened
from mlbench.probes.nvml_fields import Field, Fields
from mlbench.probes.nvml_panels import Place, Shared
from mlbench.probes.nvml_processes import SELDOM_NS, process_columns
from mlbench.probes.power_sensor import ASSUMED_PERIOD_MS, publishing_periods
from mlbench.probes.sensor_cache import known_sensor

__all__ = ["Nvml"]

POWER_AVERAGE, POWER_INSTANT, ENERGY, PCIE_SENT, PCIE_RECEIVED = 185, 186, 83, 197, 198
"""Fields, as ``nvml.h`` numbers them."""

POWER, TRAFFIC = "power", "traffic"
MEMORY, BUSY = "nvmlDeviceGetMemoryInfo", "nvmlDeviceGetUtilizationRates"
USED, SHARES, MARKED = "16xQ", "II", "24xQQ"
PANELS = (
    (POWER, 3 * MARKED, True),
    (MEMORY, USED, False),
    (BUSY, SHARES, False),
    (TRAFFIC, 2 * MARKED, True),
)
"""What all devices are asked together, and what `struct` takes out of an answer; of a field's
value, type and return code as one, and its bits."""

SM_CLOCK, MEMORY_CLOCK, CHIP = 1, 2, 0
"""Its clocks, and its one temperature sensor."""


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
            shared = Shared(len(library.handles))
            for handle in library.handles:
                _join(shared, columns, handle)
                for column in _columns_of(columns, handle):
                    columns.add(column)
            for question, layout, marked in PANELS:
                columns.add_panel(shared.panel(question, layout, marked))
            _find_periods(library, context)
            yield columns.read


def _join(shared: Shared, columns: Columns, handle: Handle) -> None:
    """What all devices are asked together, for as long as they are well."""
    nvml, ask = columns.nvml, _Questions(columns, handle)

    def fields(question: str, tier: Tier, fields: Sequence[Field]) -> None:
        room = shared.room(question, nvml.c_nvmlFieldValue_t * len(fields))
        group = Fields(columns, handle, fields, room)
        metrics = tuple(field.metric for field in fields)
        column = Column(handle.name, tier, metrics, group.ask, settle=group.settle)
        shared.joins(question, column, group.call, group.places)

    def numbers(asked: Question, column: Column) -> None:
        places = [Place(metric) for metric in column.metrics]
        shared.joins(asked.function, column, ask.call(asked), places)

    fields(POWER, "fast", _power(columns, ask))
    fields(TRAFFIC, "medium", _traffic())
    memory = Question(MEMORY, shared.room(MEMORY, nvml.c_nvmlMemory_t), USED)
    numbers(memory, ask.of("fast", ("gpu_memory_used",), memory))
    busy = Question(BUSY, shared.room(BUSY, nvml.c_nvmlUtilization_t), SHARES)
    shares = ask.of("medium", ("gpu_busy", "gpu_memory_busy"), busy)
    numbers(busy, replace(shares, apart_ns=SELDOM_NS))


def _columns_of(columns: Columns, handle: Handle) -> Iterator[Column]:
    """What each device is asked by itself."""
    nvml, ask = columns.nvml, _Questions(columns, handle)
    if not handle.is_cut:
        yield from process_columns(columns, handle)
    for metric, clock in (("gpu_clock_sm", SM_CLOCK), ("gpu_clock_memory", MEMORY_CLOCK)):
        shown = Question("nvmlDeviceGetClockInfo", c_uint(), "I", (c_uint(clock),))
        yield ask.of("slow", (metric,), shown)
    yield ask.of("slow", ("gpu_temperature",), *_temperature(nvml))
    yield ask.of("slow", ("gpu_clock_reasons",), *_reasons())


def _temperature(nvml: Any) -> Iterator[Question]:  # Any: pynvml
    if hasattr(nvml, "c_nvmlTemperature_v1_t"):
        newer = nvml.c_nvmlTemperature_v1_t()
        newer.version, newer.sensorType = nvml.nvmlTemperature_v1, CHIP
        yield Question("nvmlDeviceGetTemperatureV", newer, "8xi")
    yield Question("nvmlDeviceGetTemperature", c_uint(), "I", (c_uint(CHIP),))


def _reasons() -> Iterator[Question]:
    for word in ("Event", "Throttle"):
        yield Question(f"nvmlDeviceGetCurrentClocks{word}Reasons", c_ulonglong(), "Q")


def _traffic() -> list[Field]:
    return [
        Field(number, metric, counter=Counter(metric))
        for number, metric in ((PCIE_SENT, "gpu_pcie_sent"), (PCIE_RECEIVED, "gpu_pcie_received"))
    ]


def _power(columns: Columns, ask: _Questions) -> list[Field]:
    """Power and energy by one call; what a device lacks has an older function, or none."""
    milli = 1e-3

    def average() -> Column:
        columns.context.note(
            "gpu_power_average is that of nvmlDeviceGetPowerUsage where a GPU has no such field: "
            "a mean of the last second on most GPUs since Ampere"
        )
        usage = Question("nvmlDeviceGetPowerUsage", c_uint(), "I")
        return ask.of("fast", ("gpu_power_average",), usage, scale=milli)

    return [
        Field(POWER_INSTANT, "gpu_power_instant", milli),
        Field(POWER_AVERAGE, "gpu_power_average", milli, otherwise=average),
        Field(ENERGY, "gpu_energy", milli, Counter("gpu_energy")),
    ]


class Question(NamedTuple):
    """A function of NVML that fills a struct.

    Parameters
    ----------
    function
        Its name.
    answer
        The struct of pynvml, or the number of ctypes, that each call fills.
    layout
        What `struct` takes out of it: a number for each metric.
    arguments
        What it is told between the device and the struct.
    """

    function: str
    answer: Any  # Any: of pynvml
    layout: str
    arguments: tuple[object, ...] = ()


class _Questions:
    """Makes columns of functions: one call, one number of each metric."""

    def __init__(self, columns: Columns, handle: Handle) -> None:
        self._nvml = columns.nvml
        self._context = columns.context
        self._handle = handle

    def of(
        self,
        tier: Tier,
        metrics: tuple[str, ...],
        asked: Question,
        *older: Question,
        scale: float = 1.0,
    ) -> Column:
        """The column of a function.

        Parameters
        ----------
        asked, older
            The one to ask, and those that stand in for it where the driver does not have it.
        """
        error, device, clock = self._nvml.NVMLError, self._handle.name, self._context.clock
        call = self.call(asked)
        numbers = partial(Struct(asked.layout).unpack_from, asked.answer)

        def settle(code: int, now_ns: int) -> list[Row]:
            if code:
                raise error(code)
            return [
                (metric, number * scale, now_ns, None, device, None, None)
                for metric, number in zip(metrics, numbers(), strict=True)
            ]

        def ask() -> list[Row]:
            return settle(call(), clock())

        def otherwise() -> Column:
            return self.of(tier, metrics, *older, scale=scale)

        return Column(device, tier, metrics, ask, otherwise if older else None, settle)

    def call(self, asked: Question) -> Call:
        """What asks."""
        arguments = self._handle.handle, *asked.arguments, byref(asked.answer)
        return prepared(self._nvml, asked.function, *arguments)


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
