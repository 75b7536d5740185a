"""Samples of a run as lanes: one metric, with a line for each device or pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlbench.analysis.arrays import Floats, Integers, column
from mlbench.errors import FigureError, nearest
from mlbench.records import SAMPLES
from mlbench.store.reader import Reader

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["Lane", "Series", "lanes_of", "sources"]

PREFERRED = (
    r"^gpu_sm_activity$|^gpu_busy$",
    r"^gpu_dram_activity$|^gpu_memory_busy$",
    r"^gpu_memory_used$",
    r"^gpu_power_instant$|^gpu_energy$|^package_energy$",
    r"^cpu_time$|^host_cpu_busy$",
    r"^memory_rss$|^host_memory_used$",
    r"^host_pressure_cpu$",
)
"""What a timeline shows where nobody says: of each line, the first that was recorded."""

RATES = {"s": ("processors", "time", ""), "J": ("W", "energy", "power"), "count": ("1/s", "", "")}
"""The unit of a counter's increase per second, and the word of its name that changes."""

SPELLED = {
    "gpu": "GPU",
    "cpu": "CPU",
    "sm": "SM",
    "dram": "DRAM",
    "pcie": "PCIe",
    "io": "I/O",
    "rss": "RSS",
}


@dataclass(frozen=True)
class Series:
    """The samples of one metric of one device, pipeline, or of the machine, by time.

    Parameters
    ----------
    pipeline
        Empty for one that belongs to none.
    times
        Middle of each interval, ns.
    """

    name: str
    pipeline: str
    times: Integers
    values: Floats


@dataclass(frozen=True)
class Lane:
    """One metric; of a counter, its increase per second.

    Parameters
    ----------
    title
        Its name in words.
    """

    metric: str
    title: str
    unit: str
    source: str
    series: tuple[Series, ...]


def lanes_of(run: Run, metrics: Sequence[str] | None = None) -> list[Lane]:
    """The lanes of a run.

    Parameters
    ----------
    metrics
        Their names, in the order wanted; default one each of `PREFERRED` that there are.

    Raises
    ------
    FigureError
        If a metric was not recorded; the message names the nearest.
    """
    manifest = run.manifest
    described: list[Mapping[str, Any]] = manifest.get("metrics") or []
    table = Reader(run.path).table(SAMPLES)
    present = set(pc.unique(table["metric"]).to_pylist())
    codes = {str(each["name"]): code for code, each in enumerate(described) if code in present}
    chosen = list(_preferred(list(codes))) if metrics is None else list(metrics)
    for name in chosen:
        if name not in codes:
            raise FigureError(f"no samples of {name!r} in {run.id} ({nearest(name, codes)})")
    return [_lane(table, manifest, described[codes[name]], codes[name]) for name in chosen]


def _preferred(names: Sequence[str]) -> Iterator[str]:
    for pattern in PREFERRED:
        found = [name for part in pattern.split("|") for name in names if re.search(part, name)]
        yield from found[:1]


def _lane(
    table: pa.Table,
    manifest: Mapping[str, Any],  # Any: JSON
    metric: Mapping[str, Any],
    code: int,
) -> Lane:
    rows = table.filter(pc.equal(table["metric"], code))
    devices = [str(each["name"]) for each in manifest.get("devices") or []]
    pipelines = list(manifest.get("pipelines") or {})
    name, unit = str(metric["name"]), str(metric["unit"])
    counter = metric["kind"] == "increase"
    if counter:
        unit, old, new = RATES.get(unit, (f"{unit}/s", "", ""))
        title = _spelled(name.replace(old, new).strip("_"))
    else:
        title = _spelled(name)
    series = tuple(_series(rows, devices, pipelines, counter))
    return Lane(name, title, unit, str(metric["source"]), series)


def _spelled(name: str) -> str:
    return " ".join(SPELLED.get(word, word) for word in name.split("_"))


def _series(
    rows: pa.Table, devices: Sequence[str], pipelines: Sequence[str], counter: bool
) -> Iterator[Series]:
    device, pipeline = column(rows, "device"), column(rows, "pipeline")
    start, end = column(rows, "start"), column(rows, "end")
    values = rows["value"].to_numpy()
    if counter:
        seconds = np.maximum(end - start, 1) / 1e9
        values = np.where(end > start, values / seconds, np.nan)
    for pair in sorted(set(zip(device.tolist(), pipeline.tolist(), strict=True))):
        mine = np.flatnonzero((device == pair[0]) & (pipeline == pair[1]))
        mine = mine[np.argsort(end[mine], kind="stable")]
        owner = _named(pipelines, pair[1])
        name = " ".join(part for part in (_named(devices, pair[0]), owner) if part)
        middle = (start[mine] + end[mine]) // 2
        yield Series(name or "machine", owner, middle, values[mine])


def _named(names: Sequence[str], code: int) -> str:
    return names[code] if 0 <= code < len(names) else ""


def sources(lanes: Iterable[Lane]) -> str:
    """Where the metrics come from, for a caption."""
    return "; ".join(f"{lane.metric}: {lane.source}" for lane in lanes if lane.source)
