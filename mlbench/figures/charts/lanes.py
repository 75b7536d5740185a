"""Lanes of a timeline: one metric each, with its key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.figures.bins import envelope
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import DASHES, NEUTRAL
from mlbench.figures.source import Source
from mlbench.figures.telemetry import Lane, Series
from mlbench.figures.time_axis import TimeAxis
from mlbench.figures.units import Unit, bytes_unit, number_format, si_unit
from mlbench.figures.venue import Theme

__all__ = ["LINES", "boundaries", "lane_key", "lane_panel"]

LINES = 3
"""More series than these are drawn as their mean, with the range of all."""

SI = frozenset({"W", "J", "Hz"})


def boundaries(axis: TimeAxis, theme: Theme, last: bool) -> Any:  # Any: a chart
    """A thin rule wherever one phase follows another."""
    places = [axis.place(later[1]) for _, later in pairwise(axis.phases)]
    frame = pd.DataFrame({"t": places or [None]})
    return (
        alt.Chart(frame)
        .mark_rule(strokeWidth=theme.hairline, color="#9A9A9A", strokeDash=[2, 2], clip=True)
        .encode(axis.x(last))
    )


def lane_key(lane: Lane, found: Source, theme: Theme) -> Any:  # Any: a chart
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


def lane_panel(
    lane: Lane, found: Source, axis: TimeAxis, theme: Theme, last: bool
) -> Any:  # Any: a chart
    """The lines of a lane, each above the range of its bins."""
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
    return alt.layer(boundaries(axis, theme, last), band, line).properties(height=theme.lines(3.2))


def _binned(lane: Lane, axis: TimeAxis, size: float) -> Iterator[pd.DataFrame]:
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
