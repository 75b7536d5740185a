"""Graph: a pipeline's stages and what leads from one to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.glyphs import text_width
from mlbench.figures.keys import Entry, key
from mlbench.figures.layout import Arrow, Layout, layout_of
from mlbench.figures.palette import looks, tints
from mlbench.figures.units import spoken_time
from mlbench.figures.venue import INK, SOFT, Theme
from mlbench.spec import Benchmark, Pipeline
from mlbench.spec.request import spec_hash

__all__ = ["graph"]

STEPS = 24
"""Points of a curved edge."""

BOX_LINES = 2.6
"""Height of a stage's box with a note in it, in sizes of the text."""


Point = tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """One pipeline's graph in points.

    Parameters
    ----------
    boxes
        Left, right, top and bottom of each stage.
    bends
        Where an edge passes a layer: middle, height and width of the layer.
    """

    layout: Layout
    boxes: Mapping[str, tuple[float, float, float, float]]
    bends: Mapping[Arrow, tuple[tuple[float, float, float], ...]]
    height: float


def graph(
    source: Any,  # Any: a benchmark, a run or a study
    *,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """The graph of each pipeline: boxes are stages, arrows say what follows what.

    Parameters
    ----------
    source
        A benchmark, a run or a study. Of a run, each box has its stage's mean service time
        and number of spans.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If it is none of these, or has no pipelines.
    """
    bench, notes, runs = _read(source)
    if not bench.pipelines:
        raise FigureError("graph: the benchmark has no pipelines")
    told = " Below each stage: mean service time, and spans." if any(notes.values()) else ""
    cyclic = any(a.back for p in bench.pipelines.values() for a in layout_of(p).arrows)
    cycles = "; a dotted arrow closes a cycle" if cyclic else ""
    caption = f"Stages of {sentence(list(bench.pipelines))}{cycles}.{told}"
    about = About("graph", "Pipelines", caption, runs, spec_hash(bench))
    return figure(lambda theme: _draw(bench, notes, theme), about, venue, columns)


Notes = Mapping[str, Mapping[str, str]]
"""What stands below each stage, by pipeline."""


def _read(source: Any) -> tuple[Benchmark, Notes, tuple[str, ...]]:
    from mlbench.run import Run

    if isinstance(source, Benchmark):
        return source, {}, ()
    if isinstance(source, Run):
        return source.bench, _notes(source.summary()), (source.id,)
    if isinstance(getattr(source, "bench", None), Benchmark):
        return source.bench, {}, (str(source.id),)
    raise FigureError(
        f"graph needs a benchmark, a run or a study, got {type(source).__name__}: "
        "mlbench.load(path)"
    )


def _notes(summary: Mapping[str, Any]) -> dict[str, dict[str, str]]:  # Any: JSON
    return {
        name: {
            stage: _note(times)
            for stage, times in pipeline["stages"].items()
            if times["service_ms"]["mean"] is not None
        }
        for name, pipeline in summary["pipelines"].items()
    }


def _note(times: Mapping[str, Any]) -> str:  # Any: JSON
    mean_ns = times["service_ms"]["mean"] * 1e6
    return f"{spoken_time(mean_ns)}, {times['spans']:,}"


def _draw(bench: Benchmark, notes: Notes, theme: Theme) -> Any:  # Any: a chart
    colours = {name: look.colour for name, look in looks(list(bench.pipelines)).items()}
    panels: list[Any] = []
    for name, pipeline in bench.pipelines.items():
        panels.append(key([Entry(name)], theme))
        panels.append(_panel(pipeline, notes.get(name, {}), colours[name], theme))
    return alt.vconcat(*panels, spacing=theme.label_size * 0.3)


def _panel(
    pipeline: Pipeline, notes: Mapping[str, str], colour: str, theme: Theme
) -> Any:  # Any: a chart
    drawing = _drawing(pipeline, notes, theme)
    x = alt.X("x:Q", axis=None).scale(domain=[0, theme.width], nice=False)
    y = alt.Y("y:Q", axis=None).scale(domain=[drawing.height, 0], nice=False)
    layers = [
        *_edges(drawing, theme, x, y),
        _boxes(drawing, colour, theme, x, y),
        *_words(drawing, notes, theme, x, y),
    ]
    return alt.layer(*layers).properties(width=theme.width * 0.99, height=drawing.height)


def _drawing(pipeline: Pipeline, notes: Mapping[str, str], theme: Theme) -> Drawing:
    layout, size = layout_of(pipeline), theme.label_size
    tall = size * (BOX_LINES if notes else 1.8)
    pitch = tall + size * 1.2
    head = size * (1.2 if any(arrow.back for arrow in layout.arrows) else 0.2)
    widths, centres = _across(layout, notes, theme)

    def middle(row: float) -> float:
        return (row - layout.top) * pitch + tall / 2 + head

    boxes = {}
    for name, (layer, row) in layout.places.items():
        half, y = widths[layer] / 2, middle(row)
        boxes[name] = centres[layer] - half, centres[layer] + half, y - tall / 2, y + tall / 2
    bends = {
        arrow: tuple(
            (centres[layer], middle(row), widths[layer])
            for layer, row in enumerate(rows, start=layout.places[arrow.source][0] + 1)
        )
        for arrow, rows in layout.bends.items()
    }
    lowest = [box[3] for box in boxes.values()] + [y for bend in bends.values() for _, y, _ in bend]
    return Drawing(layout, boxes, bends, max(lowest) + size * 0.3)


def _across(
    layout: Layout, notes: Mapping[str, str], theme: Theme
) -> tuple[list[float], list[float]]:
    """The width of the boxes of each layer, and where their middles are.

    A gap has room for the labels on it; what is left of the width is divided between the
    gaps, and where it is too little, boxes are narrower and their names cut.
    """
    size = theme.label_size
    widths, gaps = [2.0 * size] * layout.layers, [2.6 * size] * (layout.layers - 1)
    for name, (layer, _) in layout.places.items():
        longest = max(text_width(name, size), text_width(notes.get(name, ""), size))
        widths[layer] = max(widths[layer], longest + 1.4 * size)
    for arrow in layout.arrows:
        layer = layout.places[arrow.source][0]
        if not arrow.back and layer < len(gaps):
            gaps[layer] = max(gaps[layer], text_width(arrow.label, size) + 1.6 * size)
    room = theme.width * 0.98
    left = room - sum(widths) - sum(gaps)
    if left < 0:
        scale = max(0.2, (room - sum(gaps)) / sum(widths))
        widths = [width * scale for width in widths]
        left = 0.0
    each = min(left / max(1, len(gaps)), 6 * size)
    centres, at = [], size * 0.2
    for width, gap in zip(widths, [*gaps, 0.0], strict=True):
        centres.append(at + width / 2)
        at += width + gap + each
    return widths, centres


def _boxes(drawing: Drawing, colour: str, theme: Theme, x: alt.X, y: alt.Y) -> Any:  # Any: a chart
    rows = [dict(zip(("x", "x2", "y", "y2"), box, strict=True)) for box in drawing.boxes.values()]
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_rect(
            fill=tints(colour, 4)[3],
            fillOpacity=0.35,
            stroke=colour,
            strokeWidth=theme.hairline * 1.4,
            cornerRadius=theme.label_size * 0.3,
        )
        .encode(x, y, x2="x2:Q", y2="y2:Q")
    )


def _words(
    drawing: Drawing,
    notes: Mapping[str, str],
    theme: Theme,
    x: alt.X,
    y: alt.Y,
) -> Iterator[Any]:  # Any: charts
    names, below = [], []
    for name, (left, right, top, bottom) in drawing.boxes.items():
        place = {"x": (left + right) / 2, "y": (top + bottom) / 2}
        limit = right - left - theme.label_size * 0.6
        names.append({**place, "text": _cut(name, limit, theme.label_size)})
        below.append({**place, "text": _cut(notes.get(name, ""), limit, theme.label_size)})
    shift = theme.label_size * 0.55 if notes else 0
    base = alt.Chart(pd.DataFrame(names)).mark_text(color=INK, baseline="middle", dy=-shift)
    yield base.encode(x, y, text="text:N")
    if notes:
        said = alt.Chart(pd.DataFrame(below)).mark_text(color=SOFT, baseline="middle", dy=shift)
        yield said.encode(x, y, text="text:N")


def _cut(text: str, width: float, size: float) -> str:
    """The text, cut with an ellipsis where it is wider than that."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


# -- edges -------------------------------------------------------------------------------


def _edges(drawing: Drawing, theme: Theme, x: alt.X, y: alt.Y) -> Iterator[Any]:  # Any: charts
    curves = [_curve(drawing, arrow, theme) for arrow in drawing.layout.arrows]
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
        {**_label_place(drawing, arrow, curve), "text": arrow.label}
        for curve, arrow in zip(curves, drawing.layout.arrows, strict=True)
        if arrow.label
    ]
    if labelled:
        yield from _labels(pd.DataFrame(labelled), theme, x, y)


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


def _label_place(drawing: Drawing, arrow: Arrow, curve: pd.DataFrame) -> dict[str, float]:
    """Above the edge, in the middle of the gap behind its source."""
    if arrow.back:
        point = curve.iloc[len(curve) // 2]
        return {"x": float(point["x"]), "y": float(point["y"])}
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
    """Points of an edge: from the right side to the left one, or over the top and back."""
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
        begin, end = begin + theme.label_size, end - theme.label_size
    top = min(source[2], target[2]) - theme.label_size * 1.5
    return _bezier((begin, source[2]), (begin, top), (end, top), (end, target[2]))


def _bezier(begin: Point, first: Point, second: Point, end: Point) -> pd.DataFrame:
    t = np.linspace(0, 1, STEPS)[:, None]
    corners = [np.array(corner)[None, :] for corner in (begin, first, second, end)]
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    points = sum(weight * corner for weight, corner in zip(weights, corners, strict=True))
    curve: pd.DataFrame = pd.DataFrame(points, columns=["x", "y"])
    return curve
