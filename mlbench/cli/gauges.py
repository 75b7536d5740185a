"""What the probes of a run have read so far: of each metric the last value, the mean, the range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlbench.store.arrow import to_numpy

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["Gauge", "Gauges"]

Key = tuple[int, int, int]
"""Codes of metric, device and pipeline; -1 where there is none."""

RATES = {"J": "W", "s": "cores", "bytes": "bytes/s", "count": "/s"}
"""What the increase of a counter is per second."""


@dataclass
class Gauge:
    """One metric of one device or pipeline; the increase of a counter as a rate.

    Parameters
    ----------
    last, low, high
        Of the values.
    total, weight
        Their sum, each by its weight, and the sum of these: rates weigh as long as they held.
    """

    last: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    total: float = 0.0
    weight: float = 0.0

    def add(self, values: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        """Take values in the order of time, and how much each of them counts."""
        self.last = float(values[-1])
        self.low, self.high = (
            min(self.low, float(values.min())),
            max(self.high, float(values.max())),
        )
        self.total += float((values * weights).sum())
        self.weight += float(weights.sum())

    @property
    def mean(self) -> float:
        """Over all of the time."""
        return self.total / self.weight if self.weight else self.last


@dataclass
class Gauges:
    """All gauges of a run, brought up to date by `update`."""

    run: Run
    of: dict[Key, Gauge] = field(default_factory=dict)
    _cursor: Mapping[str, int] = field(default_factory=dict)

    def update(self, manifest: Mapping[str, Any]) -> None:  # Any: JSON
        """Take what was written since the last time."""
        batches, self._cursor = self.run.tail(self._cursor)
        metrics = manifest.get("metrics") or []
        counters = [metric["kind"] == "increase" for metric in metrics]
        for batch in batches.get("samples", ()):
            if batch.num_rows:
                self._add(batch, counters)

    def _add(self, batch: pa.RecordBatch, counters: list[bool]) -> None:
        columns = [to_numpy(batch[name]) for name in ("metric", "device", "pipeline")]
        values = np.from_dlpack(batch["value"])
        seconds = (to_numpy(batch["end"]) - to_numpy(batch["start"])) / 1e9
        for code in np.unique(columns[0]):
            of_metric = columns[0] == code
            counted = int(code) < len(counters) and counters[int(code)]
            for pair in set(zip(columns[1][of_metric], columns[2][of_metric], strict=True)):
                rows = of_metric & (columns[1] == pair[0]) & (columns[2] == pair[1])
                if counted:
                    rows &= seconds > 0
                if rows.any():
                    key = (int(code), int(pair[0]), int(pair[1]))
                    found = values[rows] / seconds[rows] if counted else values[rows]
                    weights = seconds[rows] if counted else np.ones(int(rows.sum()))
                    self.of.setdefault(key, Gauge()).add(found, weights)

    def rows(self, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, Gauge]]:
        """Who, metric, unit, source and gauge: the machine first, then devices and pipelines."""
        metrics, devices = manifest.get("metrics") or [], manifest.get("devices") or []
        pipelines = list(manifest.get("pipelines") or ())

        def place(key: Key) -> tuple[int, int, int]:
            metric, device, pipeline = key
            return (pipeline, device, metric)

        for key in sorted(self.of, key=place):
            code, device, pipeline = key
            if code >= len(metrics):  # its name is not in the manifest yet
                continue
            metric = metrics[code]
            named = [devices[device]["name"]] if 0 <= device < len(devices) else []
            named += [pipelines[pipeline]] if 0 <= pipeline < len(pipelines) else []
            unit = metric["unit"]
            if metric["kind"] == "increase":
                unit = RATES.get(unit, f"{unit}/s")
            who = ", ".join(named) or "machine"
            yield who, str(metric["name"]), unit, str(metric["source"]), self.of[key]
