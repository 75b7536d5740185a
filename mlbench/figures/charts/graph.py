"""Graph: a pipeline's stages and what leads from one to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import altair as alt
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.charts.edges import edges
from mlbench.figures.drawing import Drawing, drawing_of
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.glyphs import cut
from mlbench.figures.keys import Entry, key
from mlbench.figures.layout import layout_of
from mlbench.figures.palette import looks, tints
from mlbench.figures.stack import stacked
from mlbench.figures.units import spoken_time
from mlbench.figures.validity import invalid
from mlbench.figures.venue import INK, SOFT, Theme
from mlbench.spec import Benchmark, Pipeline
from mlbench.spec.request import spec_hash

__all__ = ["graph"]

PLACES = ("x", "x2", "y", "y2")


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
    told = " Below each stage: mean service time and how many spans." if any(notes.values()) else ""
    cyclic = any(a.back for p in bench.pipelines.values() for a in layout_of(p).arrows)
    cycles = "; a dotted arrow closes a cycle" if cyclic else ""
    caption = f"Stages of {sentence(list(bench.pipelines))}{cycles}.{told}"
    told = invalid(source) if notes else ""
    about = About("graph", "Pipelines", caption, runs, spec_hash(bench), told)
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
    return f"{spoken_time(mean_ns)} × {times['spans']:,}"


def _draw(bench: Benchmark, notes: Notes, theme: Theme) -> Any:  # Any: a chart
    colours = {name: look.colour for name, look in looks(list(bench.pipelines)).items()}
    panels: list[Any] = []
    for name, pipeline in bench.pipelines.items():
        told = [Entry("mean service time × spans", note=True)] if notes.get(name) else []
        panels.append(key([Entry(name), *told], theme))
        panels.append(_panel(pipeline, notes.get(name, {}), colours[name], theme))
    return stacked(panels, theme.label_size * 0.3)


def _panel(
    pipeline: Pipeline, notes: Mapping[str, str], colour: str, theme: Theme
) -> Any:  # Any: a chart
    drawing = drawing_of(pipeline, notes, theme)
    x = alt.X("x:Q", axis=None).scale(domain=[0, theme.width], nice=False)
    y = alt.Y("y:Q", axis=None).scale(domain=[drawing.height, 0], nice=False)
    layers = [
        *edges(drawing, theme, x, y),
        _boxes(drawing, colour, theme, x, y),
        *_words(drawing, notes, theme, x, y),
    ]
    return alt.layer(*layers).properties(width=theme.width * 0.99, height=drawing.height)


def _boxes(drawing: Drawing, colour: str, theme: Theme, x: alt.X, y: alt.Y) -> Any:  # Any: a chart
    rows = [dict(zip(PLACES, box, strict=True)) for box in drawing.on_page().values()]
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
    for name, (left, right, top, bottom) in drawing.on_page().items():
        place = {"x": (left + right) / 2, "y": (top + bottom) / 2}
        limit = right - left - theme.label_size * 0.6
        names.append({**place, "text": cut(name, limit, theme.label_size)})
        below.append({**place, "text": cut(notes.get(name, ""), limit, theme.label_size)})
    shift = theme.label_size * 0.55 if notes else 0
    base = alt.Chart(pd.DataFrame(names)).mark_text(color=INK, baseline="middle", dy=-shift)
    yield base.encode(x, y, text="text:N")
    if notes:
        said = alt.Chart(pd.DataFrame(below)).mark_text(color=SOFT, baseline="middle", dy=shift)
        yield said.encode(x, y, text="text:N")
