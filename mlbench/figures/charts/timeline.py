"""Timeline: what the machine did, above what the stages did, on one axis of time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.analysis.arrays import Floats, column
from mlbench.analysis.record import Record
from mlbench.errors import FigureError
from mlbench.figures.bins import busy_share, edges_of, envelope
from mlbench.figures.figure import About, Chart, figure
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import DASHES, NEUTRAL
from mlbench.figures.source import Source, source_of
from mlbench.figures.telemetry import Lane, Series, lanes_of, sources
from mlbench.figures.units import Unit, bytes_unit, number_format, si_unit, time_unit
from mlbench.figures.venue import INK, SOFT, Theme
from mlbench.figures.zoom import zoomed_together

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["timeline"]

BINS = 240
"""Across the picture: about one a point in a column."""

LINES = 3
"""More series than these are drawn as their mean, with the range of all."""

SI = frozenset({"W", "J", "Hz"})
FETCH = "data"


@dataclass(frozen=True)
class Axis:
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
        title = self.unit.title("time") if last else None
        axis = alt.Axis(title=title, labels=last, ticks=last, domain=last)
        return alt.X(f"{field}:Q", axis=axis).scale(domain=domain, nice=False)


def timeline(
    run: Run,
    *,
    metrics: Sequence[str] | None = None,
    start_s: float | None = None,
    seconds: float | None = None,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """Telemetry above the stages, over the time of a run, with its phases.

    A lane of telemetry is the mean of the samples in each of 240 bins, with their range; of
    more than three devices, the mean and the range over the devices. A row of a stage shows
    how much of each bin it was at work, full height for one call at all times.

    Parameters
    ----------
    run
        A run; without samples only its stages are drawn.
    metrics
        Names of the lanes; default utilisation, bandwidth, memory, power and processors, as
        far as they were recorded.
    start_s, seconds
        The stretch, from the barrier; default from the warm-up to the end.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If a metric was not recorded, or the run has neither samples nor spans.
    """
    found = source_of(run, "timeline", empty=True)
    if found.kind != "run" or found.record is None:
        raise FigureError("timeline draws one run: study.run(block, treatment)")
    record = found.record
    lanes = lanes_of(run, metrics)
    axis = _axis(record, lanes, start_s, seconds)
    if not lanes and not any(len(record.spanned(name)) for name in record.names):
        raise FigureError(f"timeline: {found.id} has neither samples nor spans")
    about = About("timeline", "Timeline", _caption(lanes, record), (found.id,), found.spec_hash)
    return figure(lambda theme: _draw(found, record, lanes, axis, theme), about, venue, columns)


def _caption(lanes: Sequence[Lane], record: Record) -> str:
    told = f" Sources: {sources(lanes)}." if sources(lanes) else ""
    many = " Of more than three devices: mean and range over them." if _has_many(lanes) else ""
    lines = "Telemetry: mean of each bin, shade its range." if lanes else "No samples."
    stages = "Stages: share of each bin at work, full height for one call." if record.names else ""
    return f"{lines}{many} {stages} Time counts from the barrier.{told}".replace("  ", " ")


def _has_many(lanes: Sequence[Lane]) -> bool:
    return any(len(lane.series) > LINES for lane in lanes)


def _axis(
    record: Record, lanes: Sequence[Lane], start_s: float | None, seconds: float | None
) -> Axis:
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
    return Axis(begin, end, zero, unit, inside)


# -- the picture -------------------------------------------------------------------------


def _draw(
    found: Source, record: Record, lanes: Sequence[Lane], axis: Axis, theme: Theme
) -> Any:  # Any: a chart
    drawn = [name for name in found.present() if len(record.spanned(name))]
    panels: list[Any] = [_phases(axis, theme)] if axis.phases else []
    keys: list[Any] = [None] * len(panels)
    for number, lane in enumerate(lanes):
        last = not drawn and number == len(lanes) - 1
        keys.append(_lane_key(lane, found, theme))
        panels.append(_lane(lane, found, axis, theme, last))
    for name in drawn:
        keys.append(key([Entry(name, found.looks[name].colour)], theme))
        panels.append(_stages(found, record, name, axis, theme, last=name == drawn[-1]))
    stacked = zoomed_together(panels, keys, theme, theme.label_size * 0.25)
    return stacked.resolve_scale(color="independent", strokeDash="independent")


def _phases(axis: Axis, theme: Theme) -> Any:  # Any: a chart
    """Names of the phases above their stretch, as many as fit."""
    rows = [
        {
            "name": name,
            "t": axis.place(begin),
            "end": axis.place(end),
            "middle": axis.place((begin + end) / 2),
        }
        for name, begin, end in axis.phases
    ]
    whole = axis.place(axis.end) - axis.place(axis.begin)
    for row in rows:
        points = (row["end"] - row["t"]) / whole * theme.width * 0.85
        row["shown"] = row["name"] if points > 0.55 * len(row["name"]) * theme.label_size else ""
    frame = pd.DataFrame(rows)
    bars = alt.Chart(frame).mark_bar(
        height=theme.hairline * 3, yOffset=theme.label_size * 0.7, clip=True
    )
    colour = alt.Color("name:N", legend=None).scale(
        domain=["warm-up", "load", "drain"], range=["#BBBBBB", INK, "#BBBBBB"]
    )
    words = alt.Chart(frame).mark_text(
        baseline="bottom", color=SOFT, yOffset=theme.label_size * 0.45
    )
    return alt.layer(
        bars.encode(axis.x(last=False), x2="end:Q", color=colour),
        words.encode(axis.x(last=False, field="middle"), text="shown:N"),
    ).properties(height=theme.label_size * 1.3)


def _boundaries(axis: Axis, theme: Theme, last: bool) -> Any:  # Any: a chart
    """A thin rule wherever one phase follows another."""
    places = [axis.place(later[1]) for _, later in pairwise(axis.phases)]
    frame = pd.DataFrame({"t": places or [None]})
    return (
        alt.Chart(frame)
        .mark_rule(strokeWidth=theme.hairline, color="#9A9A9A", strokeDash=[2, 2], clip=True)
        .encode(axis.x(last))
    )


def _lane_key(lane: Lane, found: Source, theme: Theme) -> Any:  # Any: a chart
    """What the lane is; and its lines, where there are several."""
    unit, _ = _scaled(lane)
    entries = [Entry(f"{lane.title} ({unit})" if unit else lane.title)]
    if 1 < len(lane.series) <= LINES:
        looks = _line_looks(lane.series, found, theme)
        entries += [Entry(s.name, *looks[s.name], theme.line) for s in lane.series]
    elif len(lane.series) > LINES:
        entries += [Entry(f"mean and range of {len(lane.series)}", NEUTRAL, (), theme.line)]
    return key(entries, theme)


def _line_looks(
    series: Sequence[Series], found: Source, theme: Theme
) -> dict[str, tuple[str, Sequence[float]]]:
    """Colour and dash of each line: those of its pipeline, else greys with dashes."""
    looks: dict[str, tuple[str, Sequence[float]]] = {}
    greys = ("#333333", "#777777", "#A0A0A0")
    for number, each in enumerate(series):
        own = found.looks.get(each.pipeline)
        if own is not None:
            looks[each.name] = own.colour, own.dashed(theme.line)
        else:
            dash = DASHES[number % len(DASHES)]
            looks[each.name] = (
                greys[number % 3],
                [] if number == 0 else [p * theme.line for p in dash],
            )
    return looks


def _scaled(lane: Lane) -> tuple[str, float]:
    """The unit that is written, and how many of the metric's own it is."""
    greatest = [float(np.nanmax(s.values)) for s in lane.series if np.isfinite(s.values).any()]
    if lane.unit in ("bytes", "bytes/s"):
        found = bytes_unit(greatest)
        unit = Unit(lane.unit.replace("bytes", found.name), found.size)
    elif lane.unit in SI:
        unit = si_unit(greatest, lane.unit)
    else:
        return lane.unit, 1.0
    return unit.name, unit.size


def _lane(lane: Lane, found: Source, axis: Axis, theme: Theme, last: bool) -> Any:  # Any: a chart
    _, size = _scaled(lane)
    frame = pd.concat(_binned(lane, axis, size))
    top = float(np.nanmax([frame["high"].max(), 0]))
    domain = [0.0, 100.0] if lane.unit == "%" and top <= 100 else None
    digits = number_format(top)
    scale = alt.Scale(domain=domain) if domain else alt.Scale(zero=True, nice=True)
    y = alt.Y("mean:Q", title=None, scale=scale, axis=alt.Axis(tickCount=2, format=digits))
    names = list(dict.fromkeys(frame["series"]))
    many = len(lane.series) > LINES
    looks = {} if many else _line_looks(lane.series, found, theme)
    colours = [NEUTRAL if many else looks[name][0] for name in names]
    dashes = [[1, 0] if many else list(looks[name][1]) or [1, 0] for name in names]
    colour = alt.Color("series:N", legend=None).scale(domain=names, range=colours)
    base = alt.Chart(frame)
    band = base.mark_area(opacity=0.22, interpolate="step", clip=True).encode(
        axis.x(last), alt.Y("low:Q"), alt.Y2("high:Q"), colour
    )
    line = base.mark_line(strokeWidth=theme.line * 0.8, interpolate="step", clip=True).encode(
        axis.x(last),
        y,
        colour,
        alt.StrokeDash("series:N", legend=None).scale(domain=names, range=dashes),
    )
    return alt.layer(_boundaries(axis, theme, last), band, line).properties(height=theme.lines(3.2))


def _binned(lane: Lane, axis: Axis, size: float) -> Iterator[pd.DataFrame]:
    """``t``, ``mean``, ``low``, ``high`` of each series, or of all together."""
    edges = axis.edges
    found = [envelope(each.times, each.values / size, edges) for each in lane.series]
    if len(found) > LINES:
        means = np.stack([bins.mean for bins in found])
        known = np.isfinite(means).any(axis=0)
        filled = means[:, known]
        frame = pd.DataFrame({"t": axis.place(found[0].middle)})
        for name, over in (("mean", np.nanmean), ("low", np.nanmin), ("high", np.nanmax)):
            column_of = np.full(known.size, np.nan)
            column_of[known] = over(filled, axis=0)
            frame[name] = column_of
        yield frame.assign(series="all")
        return
    for each, bins in zip(lane.series, found, strict=True):
        frame = pd.DataFrame(
            {"t": axis.place(bins.middle), "mean": bins.mean, "low": bins.low, "high": bins.high}
        )
        yield _bridged(frame).assign(series=each.name)


def _bridged(frame: pd.DataFrame) -> pd.DataFrame:
    """Without empty bins where samples are rarer than bins; a true gap stays one."""
    known = frame["mean"].notna()
    gaps = np.diff(np.flatnonzero(known)) if known.any() else np.array([1])
    usual = int(np.median(gaps)) if gaps.size else 1
    if usual <= 1:
        return frame
    wide: pd.DataFrame = frame.ffill(limit=2 * usual)
    wide["mean"] = wide["mean"].where(wide["t"] <= frame.loc[known, "t"].max())
    return wide


def _stages(
    found: Source, record: Record, name: str, axis: Axis, theme: Theme, last: bool
) -> Any:  # Any: a chart
    rows = [s for s in record.pipeline(name)["stages"] if s != FETCH] or [FETCH]
    frame = pd.concat(_shares(record, name, rows, axis))
    labels = json.dumps({str(row): stage for row, stage in enumerate(rows)})
    y_axis = alt.Axis(
        values=list(range(len(rows))),
        labelExpr=f"{labels}[format(datum.value, 'd')]",
        grid=False,
        labelBaseline="bottom",
        labelLimit=theme.width * 0.3,
    )
    y = alt.Y("base:Q", title=None, axis=y_axis)
    scale = alt.Scale(domain=[len(rows) - 1 + 0.05, -1], nice=False, zero=False)
    area = (
        alt.Chart(frame)
        .mark_area(color=found.looks[name].colour, interpolate="step", clip=True)
        .encode(axis.x(last), y.scale(scale), alt.Y2("top:Q"), alt.Detail("stage:N"))
    )
    floor = (
        alt.Chart(pd.DataFrame({"base": list(range(len(rows)))}))
        .mark_rule(strokeWidth=theme.hairline, color="#C8C8C8")
        .encode(y.scale(scale))
    )
    height = len(rows) * theme.label_size * 1.5
    return alt.layer(_boundaries(axis, theme, last), floor, area).properties(height=height)


def _shares(record: Record, name: str, rows: Sequence[str], axis: Axis) -> Iterator[pd.DataFrame]:
    """How much of each bin a stage was at work; ``top`` is that high above its ``base``."""
    spans, names = record.spanned(name), list(record.pipeline(name)["stages"])
    stage, start, end = (column(spans, each) for each in ("stage", "start", "end"))
    for row, each in enumerate(rows):
        mine = stage == names.index(each)
        share = busy_share(start[mine], end[mine], axis.edges)
        height = np.minimum(share, 1.0) if share.max(initial=0.0) <= 1.0 else share / share.max()
        middle = (axis.edges[1:] + axis.edges[:-1]) / 2
        yield pd.DataFrame(
            {"t": axis.place(middle), "base": row, "top": row - 0.85 * height, "stage": each}
        )
