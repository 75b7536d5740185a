"""Probe: GPU performance monitoring of Hopper and later, through NVML.

The activity of SMs, tensor cores and memory as the hardware counts it, and not the share of
time in which some kernel ran. Each value is a mean between two samples of its counters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import byref
from functools import partial
from struct import Struct
from typing import Any

from mlbench.interfaces.probe import Context, Metric, Probe, Row, Source
from mlbench.probes.nvml_calls import Call, function_of, prepared
from mlbench.probes.nvml_columns import Column, Columns
from mlbench.probes.nvml_devices import Handle, opened
from mlbench.probes.nvml_errors import Fate, fate_of, reason_of

__all__ = ["Gpm"]

APART_NS = 100_050_000
"""nvml.h: the two samples of a value should be more than 100 ms apart."""

SOON_NS = 3_000_000
"""A tick that comes this much too early waits; an earlier one is left out. So of ten ticks a
second, which are never exactly 100 ms apart, nearly all give a value."""

LEAST_NS = APART_NS - SOON_NS

METRIC = "4xId24x"
"""``nvmlGpmMetric_t``: its return code and its value; its number and its names are skipped."""

VERSION = 1
MIB = 2.0**20
NUMBERS: dict[str, tuple[int, float]] = {
    "gpu_sm_activity": (2, 1.0),
    "gpu_sm_occupancy": (3, 1.0),
    "gpu_tensor_activity": (5, 1.0),
    "gpu_dram_activity": (10, 1.0),
    "gpu_pcie_sent_rate": (20, MIB),
    "gpu_pcie_received_rate": (21, MIB),
    "gpu_nvlink_received_rate": (60, MIB),
    "gpu_nvlink_sent_rate": (61, MIB),
    "gpu_context_switching": (174, 1.0),
}
"""``NVML_GPM_METRIC_...`` as ``nvml.h`` numbers them, and what makes the metric's unit of it."""

REFUSED = "GPM needs Hopper or later; DCGM may have it on earlier data-centre GPUs"


def _metric(name: str, unit: str, meaning: str) -> Metric:
    return Metric(name, unit, f"NVML GPM {NUMBERS[name][0]}", "mean", "medium", "device", meaning)


class Gpm(Probe):
    """Activity of GPUs, as their hardware counts it."""

    thread = "nvml"
    metrics = (
        _metric("gpu_sm_activity", "%", "SMs that had a warp, over time"),
        _metric("gpu_sm_occupancy", "%", "warps that were active, of those that fit"),
        _metric("gpu_tensor_activity", "%", "time in which tensor cores worked"),
        _metric("gpu_dram_activity", "%", "memory bandwidth used, of what there is"),
        _metric("gpu_pcie_sent_rate", "bytes/s", "from the GPU"),
        _metric("gpu_pcie_received_rate", "bytes/s", "to the GPU"),
        _metric("gpu_nvlink_received_rate", "bytes/s", "over all links"),
        _metric("gpu_nvlink_sent_rate", "bytes/s", "over all links"),
        _metric("gpu_context_switching", "%", "time in which contexts were switched"),
    )

    @contextmanager
    def open(self, context: Context) -> Iterator[Source]:
        """Yield the means between this reading and the one before."""
        with opened(context, self.metrics) as library:
            if library is None:
                yield lambda _: ()
                return
            columns = Columns(library.nvml, context)
            counted = [_Counted(columns, handle) for handle in library.handles]
            for each in counted:
                if each.is_supported():
                    columns.add(
                        Column(each.device, "medium", tuple(NUMBERS), each.ask, apart_ns=LEAST_NS)
                    )
            try:
                yield columns.read
            finally:
                for each in counted:
                    each.free()


class _Counted:
    """One device with two samples of its counters, which take turns."""

    def __init__(self, columns: Columns, handle: Handle) -> None:
        self._columns = columns
        self._nvml = columns.nvml
        self._handle = handle
        self._samples: list[tuple[Any, Call]] = []  # Any: pynvml's opaque samples
        self._at_ns = 0
        self._get: Any = self._nvml.c_nvmlGpmMetricsGet_t()  # Any: a struct of pynvml
        self._compare = prepared(self._nvml, "nvmlGpmMetricsGet", byref(self._get))
        self._use(list(NUMBERS))

    @property
    def device(self) -> str:
        """Its name."""
        return self._handle.name

    def _use(self, metrics: list[str]) -> None:
        self._metrics = metrics
        self._get.version, self._get.numMetrics = VERSION, len(metrics)
        for index, metric in enumerate(metrics):
            self._get.metrics[index].metricId = NUMBERS[metric][0]
        self._scales = [NUMBERS[metric][1] for metric in metrics]
        offset = self._get.__class__.metrics.offset
        unpack = Struct(METRIC * len(metrics)).unpack_from
        self._answers: Callable[[], tuple[Any, ...]] = partial(unpack, self._get, offset)

    def is_supported(self) -> bool:
        """Whether it has such counters; tells why where it has not."""
        try:
            found = self._nvml.nvmlGpmQueryDeviceSupport(self._handle.handle).isSupportedDevice
            reason = REFUSED
            for name in ("nvmlGpmMetricsGet", "nvmlGpmSampleGet", "nvmlGpmMigSampleGet"):
                function_of(self._nvml, name)
        except self._nvml.NVMLError as error:
            if fate_of(error.value) is Fate.LOST:
                self._columns.context.lost(self.device, str(error))
                return False
            found, reason = 0, reason_of(error)
        if not found:
            for metric in NUMBERS:
                self._columns.context.missing(metric, reason, self.device)
        return bool(found)

    def ask(self) -> list[Row]:
        """The means since the sample before; nothing the first time, or too soon after it."""
        early_ns = self._at_ns + APART_NS - self._columns.context.clock()
        if early_ns > SOON_NS:
            return []
        if early_ns > 0:
            time.sleep(early_ns / 1e9)
        begin_ns = self._at_ns
        self._take()
        if not begin_ns:
            return []
        self._call(self._compare)
        return self._rows(begin_ns)

    def _call(self, call: Call) -> None:
        if code := call():
            raise self._nvml.NVMLError(code)

    def _take(self) -> None:
        """Let the older sample hold the counters as they are now."""
        while len(self._samples) < 2:
            sample = self._nvml.nvmlGpmSampleAlloc()
            self._samples.append((sample, self._sampling(sample)))
        (newer, call), (older, _) = self._samples
        self._call(call)
        self._samples.reverse()  # not before it is taken: a call that failed changed nothing
        self._get.sample1, self._get.sample2 = older, newer
        self._at_ns = self._columns.context.clock()

    def _sampling(self, sample: Any) -> Call:  # Any: pynvml's
        handle = self._handle
        if handle.parent is None:
            return prepared(self._nvml, "nvmlGpmSampleGet", handle.handle, sample)
        where = handle.parent, handle.instance
        return prepared(self._nvml, "nvmlGpmMigSampleGet", *where, sample)

    def _rows(self, begin_ns: int) -> list[Row]:
        rows: list[Row] = []
        end_ns, device, flat = self._at_ns, self.device, self._answers()
        answers = zip(self._metrics, self._scales, flat[0::2], flat[1::2], strict=True)
        for metric, scale, code, value in answers:
            if code:
                self._refused(metric, code)
            else:
                rows.append((metric, value * scale, end_ns, begin_ns, device, None, None))
        return rows

    def _refused(self, metric: str, code: int) -> None:
        """One metric that could not be had; the others may be well."""
        if fate_of(code) in (Fate.LOST, Fate.OVER):
            raise self._nvml.NVMLError(code)
        if fate_of(code) is Fate.GONE:
            reason = reason_of(self._nvml.NVMLError(code))
            self._columns.context.missing(metric, reason, self.device)
            self._use([each for each in self._metrics if each != metric])

    def free(self) -> None:
        """Give the samples back."""
        for sample, _ in self._samples:
            with suppress(self._nvml.NVMLError):  # the library may be gone; so are they then
                self._nvml.nvmlGpmSampleFree(sample)
