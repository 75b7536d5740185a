"""Timeline: what the machine did, above what the stages did, on one axis of time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.analysis.arrays import column
from mlbench.analysis.record import Record
from mlbench.errors import FigureError
from mlbench.figures.bins import busy_share
from mlbench.figures.charts.lanes import LINES, boundaries, lane_key, lane_panel
from mlbench.figures.figure import About, Chart, figure
from mlbench.figures.keys import Entry, key
from mlbench.figures.source import Source, source_of
from mlbench.figures.telemetry import Lane, lanes_of, sources
from mlbench.figures.time_axis import TimeAxis, time_axis
from mlbench.figures.validity import invalid
from mlbench.figures.venue import INK, SOFT, Theme
from mlbench.figures.zoom import zoomed_together

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["timeline"]

FETCH = "data"


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
    axis = time_axis(record, lanes, start_s, seconds)
    if not lanes and not any(len(record.spanned(name)) for name in record.names):
        raise FigureError(f"timeline: {found.id} has neither samples nor spans")
    caption = _caption(lanes, record)
    about = About("timeline", "Timeline", caption, (found.id,), found.spec_hash, invalid(run))
    return figure(lambda theme: _draw(found, record, lanes, axis, theme), about, venue, columns)


def _caption(lanes: Sequence[Lane], record: Record) -> str:
    told = f" Sources: {sources(lanes)}." if sources(lanes) else ""
    many = " Of more than three devices: mean and range over them." if _has_many(lanes) else ""
    lines = "Telemetry: mean of each bin, shade its range." if lanes else "No samples."
    stages = "Stages: share of each bin at work, full height for one call." if record.names else ""
    return f"{lines}{many} {stages} Time counts from the barrier.{told}".replace("  ", " ")


def _has_many(lanes: Sequence[Lane]) -> bool:
    return any(len(lane.series) > LINES for lane in lanes)


# -- the picture -------------------------------------------------------------------------


def _draw(
    found: Source, record: Record, lanes: Sequence[Lane], axis: TimeAxis, theme: Theme
) -> Any:  # Any: a chart
    drawn = [name for name in found.present() if len(record.spanned(name))]
    panels: list[Any] = [_phases(axis, theme)] if axis.phases else []
    keys: list[Any] = [None] * len(panels)
    for number, lane in enumerate(lanes):
        last = not drawn and number == len(lanes) - 1
        keys.append(lane_key(lane, found, theme))
        panels.append(lane_panel(lane, found, axis, theme, last))
    for name in drawn:
        keys.append(key([Entry(name, found.looks[name].colour)], theme))
        panels.append(_stages(found, record, name, axis, theme, last=name == drawn[-1]))
    return zoomed_together(panels, keys, theme, theme.label_size * 0.25)


def _phases(axis: TimeAxis, theme: Theme) -> Any:  # Any: a chart
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


def _stages(
    found: Source, record: Record, name: str, axis: TimeAxis, theme: Theme, last: bool
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
    return alt.layer(boundaries(axis, theme, last), floor, area).properties(height=height)


def _shares(
    record: Record, name: str, rows: Sequence[str], axis: TimeAxis
) -> Iterator[pd.DataFrame]:
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
