"""The edges of a graph: curves, heads and labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.figures.drawing import Drawing, Point
from mlbench.figures.glyphs import text_width
from mlbench.figures.layout import Arrow
from mlbench.figures.venue import SOFT, Theme

__all__ = ["edges"]

STEPS = 24
"""Points of a curved edge."""


def edges(drawing: Drawing, theme: Theme, x: alt.X, y: alt.Y) -> Iterator[Any]:  # Any: charts
    """Curves with their heads and labels; one that closes a cycle is dotted."""
    ways = [_curve(drawing, arrow, theme) for arrow in drawing.layout.arrows]
    curves = [_on_page(way, drawing) for way in ways]
    if not curves:
        return
    points = pd.concat(
        curve.assign(edge=number, back=arrow.back, order=range(len(curve)))
        for number, (curve, arrow) in enumerate(zip(curves, drawing.layout.arrows, strict=True))
    )
    for back, dash in ((False, []), (True, [2, 1.5])):
        mine = points[points["back"] == back]
        if len(mine):
            yield (
                alt.Chart(mine)
                .mark_line(strokeWidth=theme.hairline * 1.4, color=SOFT, strokeDash=dash)
                .encode(x, y, detail="edge:N", order="order:Q")
            )
    yield _heads(curves, theme, x, y)
    labelled = [
        {**_label_place(drawing, arrow, way, theme), "text": arrow.label}
        for way, arrow in zip(ways, drawing.layout.arrows, strict=True)
        if arrow.label
    ]
    if labelled:
        labels = _on_page(pd.DataFrame(labelled), drawing)
        yield from _labels(labels, theme, x, y)


def _on_page(points: pd.DataFrame, drawing: Drawing) -> pd.DataFrame:
    """Points along and across the edges as points of the page."""
    return points.rename(columns={"x": "y", "y": "x"}) if drawing.down else points


def _labels(labels: pd.DataFrame, theme: Theme, x: alt.X, y: alt.Y) -> Iterator[Any]:  # Any: charts
    """Labels on their edges, each on a piece of white."""
    half = [text_width(text, theme.label_size) / 2 + 1 for text in labels["text"]]
    tall = theme.label_size * 0.6
    ground = labels.assign(
        left=labels["x"] - half,
        right=labels["x"] + half,
        top=labels["y"] - tall,
        bottom=labels["y"] + tall,
    )
    yield (
        alt.Chart(ground)
        .mark_rect(fill="white")
        .encode(_like(x, "left"), _like(y, "top"), x2="right:Q", y2="bottom:Q")
    )
    words = alt.Chart(labels).mark_text(color=SOFT, baseline="middle")
    yield words.encode(x, y, text="text:N")


def _like(channel: Any, field: str) -> Any:  # Any: one of Altair's channels
    """The same channel of another column."""
    other = channel.copy()
    other.shorthand = f"{field}:Q"
    return other


def _label_place(
    drawing: Drawing, arrow: Arrow, curve: pd.DataFrame, theme: Theme
) -> dict[str, float]:
    """On the edge, in the middle of the gap behind its source; beside one that leads back up."""
    if arrow.back:
        point = curve.iloc[len(curve) // 2]
        beside = text_width(arrow.label, theme.label_size) / 2 if drawing.down else 0.0
        return {"x": float(point["x"]), "y": float(point["y"]) - beside}
    begin = drawing.boxes[arrow.source][1]
    bends = drawing.bends.get(arrow)
    end = bends[0][0] - bends[0][2] / 2 if bends else drawing.boxes[arrow.target][0]
    middle = begin + 0.6 * (end - begin)
    nearest = curve.iloc[int((curve["x"] - middle).abs().argmin())]
    return {"x": middle, "y": float(nearest["y"])}


def _heads(curves: list[pd.DataFrame], theme: Theme, x: alt.X, y: alt.Y) -> Any:  # Any: a chart
    """Arrow heads, turned as the end of each curve is."""
    rows = []
    for curve in curves:
        last, before = curve.iloc[-1], curve.iloc[-3]
        across, down = last["x"] - before["x"], last["y"] - before["y"]
        angle = float(np.degrees(np.arctan2(down, across))) + 90
        length = max(float(np.hypot(across, down)), 1e-9)
        reach = theme.label_size * 0.25 / length
        rows.append(
            {"x": last["x"] - across * reach, "y": last["y"] - down * reach, "angle": angle}
        )
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_point(shape="triangle-up", size=(theme.label_size * 0.62) ** 2, color=SOFT)
        .encode(x, y, angle=alt.Angle("angle:Q", scale=None))
    )


def _curve(drawing: Drawing, arrow: Arrow, theme: Theme) -> pd.DataFrame:
    """Points of an edge: from the end of a box to the begin of one, or around and back."""
    source, target = drawing.boxes[arrow.source], drawing.boxes[arrow.target]
    if arrow.back:
        return _arch(source, target, theme)
    at = source[1], (source[2] + source[3]) / 2
    parts = []
    for middle, height, width in drawing.bends.get(arrow, ()):
        parts += [_smooth(at, (middle - width / 2, height))]
        at = middle + width / 2, height
    parts.append(_smooth(at, (target[0], (target[2] + target[3]) / 2)))
    return pd.concat(parts, ignore_index=True)


def _smooth(begin: Point, end: Point) -> pd.DataFrame:
    """A curve that leaves and arrives level."""
    bend = max((end[0] - begin[0]) / 2, 4)
    return _bezier(begin, (begin[0] + bend, begin[1]), (end[0] - bend, end[1]), end)


def _arch(
    source: tuple[float, float, float, float],
    target: tuple[float, float, float, float],
    theme: Theme,
) -> pd.DataFrame:
    begin, end = ((box[0] + box[1]) / 2 for box in (source, target))
    if source is target:
        beside = min(theme.label_size, (source[1] - source[0]) / 3)
        begin, end = begin + beside, end - beside
    top = min(source[2], target[2]) - theme.label_size * 1.5
    return _bezier((begin, source[2]), (begin, top), (end, top), (end, target[2]))


def _bezier(begin: Point, first: Point, second: Point, end: Point) -> pd.DataFrame:
    t = np.linspace(0, 1, STEPS)[:, None]
    corners = [np.array(corner)[None, :] for corner in (begin, first, second, end)]
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    points = sum(weight * corner for weight, corner in zip(weights, corners, strict=True))
    curve: pd.DataFrame = pd.DataFrame(points, columns=["x", "y"])
    return curve
