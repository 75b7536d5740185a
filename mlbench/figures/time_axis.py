"""The axis of time that the panels of a run share, with its phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from mlbench.analysis.arrays import Floats
from mlbench.analysis.record import Record
from mlbench.figures.bins import edges_of
from mlbench.figures.telemetry import Lane
from mlbench.figures.units import Unit, time_unit

__all__ = ["SINCE", "TimeAxis", "time_axis"]

SINCE = "time since the load began"
"""Of every axis of time of a run: at the barrier it is 0."""

BINS = 240
"""Across the picture: about one a point in a column."""


@dataclass(frozen=True)
class TimeAxis:
    """The axis of time of all panels."""

    begin: int
    end: int
    zero: int
    unit: Unit
    phases: tuple[tuple[str, float, float], ...]

    def place(self, ns: Any) -> Any:  # Any: a number or an array
        """An instant in the unit, from the barrier."""
        return (ns - self.zero) / self.unit.size

    @property
    def edges(self) -> Floats:
        """Of the bins, ns."""
        return edges_of(self.begin, self.end, BINS)

    def x(self, last: bool, field: str = "t") -> alt.X:
        """The encoding; labels only below the last panel."""
        domain = [self.place(self.begin), self.place(self.end)]
        title = self.unit.title(SINCE) if last else None
        axis = alt.Axis(title=title, labels=last, ticks=last, domain=last)
        return alt.X(f"{field}:Q", axis=axis).scale(domain=domain, nice=False)


def time_axis(
    record: Record, lanes: Sequence[Lane], start_s: float | None, seconds: float | None
) -> TimeAxis:
    """The axis of a run: from the warm-up to the end, or a stretch from the barrier."""
    manifest = record.manifest
    phases = [phase for phase in manifest.get("phases") or [] if phase["name"] != "setup"]
    known = [phase["start_ns"] for phase in phases]
    ends = [phase["end_ns"] for phase in phases if phase["end_ns"] is not None]
    times = [
        int(s.times[edge])
        for lane in lanes
        for s in lane.series
        if s.times.size
        for edge in (0, -1)
    ]
    zero = manifest.get("barrier_ns") or min(known + times, default=0)
    begin = min(known, default=min(times, default=0))
    end = max(ends or [*times, record.latest_ns, begin + 1])
    if start_s is not None:
        begin = zero + round(start_s * 1e9)
    if seconds is not None:
        end = begin + round(seconds * 1e9)
    end = max(end, begin + 1)
    unit = time_unit([end - zero, zero - begin])
    shown = tuple(
        (p["name"], max(p["start_ns"], begin), min(p["end_ns"] or end, end)) for p in phases
    )
    inside = tuple((name, start, stop) for name, start, stop in shown if stop > start)
    return TimeAxis(begin, end, zero, unit, inside)
