"""Samples and spans that were made up, of runs with processors and GPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
from virtual import SECOND, Traffic, record

from mlbench.analysis.attribution_seen import Seen
from mlbench.records import SAMPLES
from mlbench.store.stream import schema_of

__all__ = [
    "CPU",
    "DEVICES",
    "METRICS",
    "MISSING",
    "Sample",
    "counted",
    "quiet_before",
    "seen",
    "traffic",
]

Sample = tuple[str, float, float, float, str | None, int | None, int | None]
"""Metric, start and end in seconds, value, device, code of the pipeline, process id."""

METRICS = {
    "cpu_time": ("s", "increase"),
    "memory_rss": ("bytes", "level"),
    "host_cpu_busy": ("%", "mean"),
    "gpu_power_instant": ("W", "level"),
    "gpu_energy": ("J", "increase"),
    "gpu_memory_used": ("bytes", "level"),
    "gpu_process_memory": ("bytes", "level"),
    "gpu_process_sm": ("%", "mean"),
    "gpu_process_memory_busy": ("%", "mean"),
    "gpu_sm_activity": ("%", "mean"),
    "cpu_energy": ("J", "increase"),
}
CPU, MISSING = "cpu0", "NVIDIA's driver is not installed"
DEVICES: dict[str, dict[str, Any]] = {
    CPU: {"kind": "cpu"},
    "gpu0": {"kind": "gpu", "uuid": "GPU-0", "power_period_ms": 100.0},
    "gpu0/mig0": {"kind": "mig", "parent": "gpu0"},
    "gpu0/mig1": {"kind": "mig", "parent": "gpu0"},
    "package-0": {"kind": "package"},
    "package-0/core": {"kind": "package", "parent": "package-0"},
}


def traffic(spans: Sequence[tuple[int, float, float]], stages: tuple[str, ...] = ("a", "b")) -> Any:
    """A pipeline with these spans (code of the stage, start, end in s): a query each."""
    numbers = list(range(len(spans)))
    start = [round(begin * SECOND) for _, begin, _ in spans]
    end = [round(stop * SECOND) for _, _, stop in spans]
    stamps = {"due": start, "sent": start, "received": start, "started": start, "done": end}
    codes = [code for code, _, _ in spans]
    return Traffic(
        kind="closed",
        completions={"query": numbers, "item": numbers, "phase": [1] * len(spans), **stamps},
        spans={"span": numbers, "query": numbers, "parents": [[]] * len(spans), "stage": codes,
               "ready": start, "start": start, "end": end},
        stages=stages,
    )  # fmt: skip


def counted(metric: str, total: float, seconds: float, **where: Any) -> list[Sample]:
    """A counter that increases evenly, ten rows a second, a second before and after too."""
    steps = round(10 * (seconds + 2))
    each = total / seconds / 10
    place = (where.get("device"), where.get("pipeline"), where.get("pid"))
    return [(metric, n / 10 - 1, (n + 1) / 10 - 1, each, *place) for n in range(steps)]


def seen(
    pipelines: Mapping[str, Traffic],
    samples: Sequence[Sample],
    seconds: float = 10,
    idle: tuple[float, float] | None = (-1, 0),
    devices: Sequence[str] = (CPU,),
    device: str = "cpu",
) -> Seen:
    """The run of some pipelines under load from 0 to ``seconds``, with its samples."""
    end_ns = round(seconds * SECOND)
    made = {
        name: replace(each, end_ns=end_ns).says(placement={"device": device})
        for name, each in pipelines.items()
    }
    known = {metric for metric, *_ in samples}
    metrics = [
        {"name": name, "unit": unit, "kind": kind,
         "null_reasons": {} if name in known else {"": MISSING}}
        for name, (unit, kind) in METRICS.items()
    ]  # fmt: skip
    quiet = None
    if idle is not None:
        quiet = {"begin_ns": round(idle[0] * SECOND), "end_ns": round(idle[1] * SECOND)}
    described = [{"name": name, "source": "made up", **DEVICES[name]} for name in devices]
    found = record(made, metrics=metrics, devices=described, telemetry={"idle": quiet}, phases=[])
    names, places = list(METRICS), list(devices)
    rows = [
        {"start": round(start * SECOND), "end": round(end * SECOND), "metric": names.index(metric),
         "device": None if where is None else places.index(where), "pipeline": pipeline,
         "pid": pid, "value": value}
        for metric, start, end, value, where, pipeline, pid in samples
    ]  # fmt: skip
    return Seen(found, pa.Table.from_pylist(rows, schema=schema_of(SAMPLES)))


def quiet_before(run: Seen) -> Seen:
    """The same run, and nothing drawn or counted in the second before its load."""
    rows = [
        {**row, "value": 0.0 if row["end"] <= 0 else row["value"]}
        for row in run.samples.to_pylist()
    ]
    idle = {"begin_ns": -SECOND, "end_ns": 0}
    found = replace(run.record, manifest={**run.manifest, "telemetry": {"idle": idle}})
    return Seen(found, pa.Table.from_pylist(rows, schema=run.samples.schema))
