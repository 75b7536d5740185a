"""Which of the hardware's counters (GPM) give a value here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.gpu_check.part import Site

__all__ = ["gpm_metrics"]

APART_S = 0.15
PREFIX = "NVML_GPM_METRIC_"


def gpm_metrics(site: Site) -> dict[str, Any]:
    """The values of the metrics that pynvml knows, by name, and those refused, by the error."""
    nvml = site.nvml
    if not nvml.nvmlGpmQueryDeviceSupport(site.handle).isSupportedDevice:
        return {"supported": False}
    numbers = {
        name.removeprefix(PREFIX).lower(): getattr(nvml, name)
        for name in dir(nvml)
        if name.startswith(PREFIX) and not name.endswith("MAX")
    }
    samples = [nvml.nvmlGpmSampleAlloc() for _ in range(2)]
    try:
        nvml.nvmlGpmSampleGet(site.handle, samples[0])
        time.sleep(APART_S)
        nvml.nvmlGpmSampleGet(site.handle, samples[1])
        found = {name: _value(nvml, samples, number) for name, number in numbers.items()}
    finally:
        for sample in samples:
            nvml.nvmlGpmSampleFree(sample)
    values = {name: each for name, each in found.items() if isinstance(each, float)}
    errors: dict[str, list[str]] = {}
    for name, each in found.items():
        if isinstance(each, str):
            errors.setdefault(each, []).append(name)
    refused = {error: ", ".join(names) for error, names in errors.items()}
    return {"supported": True, "values": values, "refused": refused}


def _value(nvml: Any, samples: Sequence[Any], number: int) -> float | str:  # Any: pynvml
    """One metric by a call of its own, so that one that is refused spoils no other."""
    asked = nvml.c_nvmlGpmMetricsGet_t()
    asked.version, asked.numMetrics = nvml.NVML_GPM_METRICS_GET_VERSION, 1
    asked.sample1, asked.sample2 = samples
    asked.metrics[0].metricId = number
    try:
        nvml.nvmlGpmMetricsGet(asked)
    except nvml.NVMLError as error:
        return str(error)
    code = int(asked.metrics[0].nvmlReturn)
    return str(nvml.NVMLError(code)) if code else float(asked.metrics[0].value)
