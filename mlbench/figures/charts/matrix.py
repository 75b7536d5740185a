"""Matrix: how much each pipeline slows each other one, every two together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import isfinite, log
from typing import Any

import altair as alt
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.charts.intervals import bracket, cut_reason
from mlbench.figures.colour import is_dark
from mlbench.figures.figure import About, Chart, figure
from mlbench.figures.glyphs import text_width
from mlbench.figures.palette import COLOURS, mixed
from mlbench.figures.study import blocks_words, check_study, interval_words, ratio_words
from mlbench.figures.units import short
from mlbench.figures.validity import invalid, relaxed
from mlbench.figures.venue import INK, SOFT, Theme

__all__ = ["matrix"]

NULL, SELF = "#EEEEEE", "#FAFAFA"
DARKEST = 3.0
"""The ratio from which a cell is as dark as it gets, if none is larger."""


def matrix(
    study: Any,  # Any: a study
    *,
    metric: str = "latency_p50",
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """The pairwise heat map: a row is slowed by the pipeline that a column names.

    The darker, the slower; the number is the ratio, below it its interval. A cell without a
    number says why.

    Parameters
    ----------
    study
        A study of pairs.
    metric
        As ``study.matrix()`` names it.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If it has no pairs, or no such metric.
    """
    check_study(study, "matrix")
    frame = study.matrix()
    if not len(frame):
        raise FigureError(
            f"matrix: {study.id} has no runs of two pipelines: collocate with design: pairs"
        )
    known = list(dict.fromkeys(frame["metric"].astype(str)))
    if metric not in known:
        raise FigureError(f"matrix: there is no metric {metric!r} (known: {', '.join(known)})")
    cells = frame[(frame["metric"] == metric)].copy()
    names = [n for n in study.manifest.spec.pipelines if n in _seen(cells)]
    caption = (
        f"{ratio_words(metric)}; of the row's pipeline beside the column's. "
        f"{interval_words(study, 'Brackets')} over n = {blocks_words(study)}."
    )
    about = About(
        "matrix",
        "Who slows whom",
        caption,
        (study.id,),
        study.manifest.spec_hash,
        invalid(study),
        relaxed=relaxed(study),
    )
    return figure(lambda theme: _draw(cells, names, theme), about, venue, columns)


def _seen(cells: pd.DataFrame) -> set[str]:
    return set(cells["pipeline"].astype(str)) | set(cells["beside"].astype(str))


def _draw(cells: pd.DataFrame, names: list[str], theme: Theme) -> Any:  # Any: a chart
    table = _cells(cells, names, theme)
    labels = alt.Axis(
        orient="top",
        title="beside",
        labelAngle=0 if _fits(names, theme) else -35,
        labelAlign="center" if _fits(names, theme) else "left",
        domain=False,
        ticks=False,
        labelLimit=theme.width * 0.4,
    )
    x = alt.X("beside:N", sort=names, axis=labels).scale(padding=0)
    y = alt.Y("pipeline:N", sort=names, title=None, axis=alt.Axis(labelLimit=theme.width * 0.3))
    y = y.scale(padding=0)
    base = alt.Chart(table)
    cell = base.mark_rect(stroke="white", strokeWidth=theme.line).encode(
        x, y, alt.Fill("fill:N", scale=None)
    )
    size = theme.label_size
    ink = alt.Color("ink:N", scale=None)
    layers = [cell]
    layers.append(
        base.mark_text(fontSize=theme.title_size, dy=-size * 0.5).encode(x, y, ink, text="number:N")
    )
    layers.append(base.mark_text(dy=size * 0.7).encode(x, y, ink, text="below:N"))
    return alt.layer(*layers).properties(height=len(names) * size * 3.4)


def _fits(names: list[str], theme: Theme) -> bool:
    """Whether the names stand side by side."""
    room = theme.width * 0.72 / max(1, len(names))
    return all(text_width(name, theme.label_size) < room for name in names)


def _cells(cells: pd.DataFrame, names: list[str], theme: Theme) -> pd.DataFrame:
    known = [float(v) for v in cells["estimate"] if isfinite(v)]
    darkest = max([DARKEST, *known])
    room = theme.width * 0.72 / max(1, len(names))
    rows = [_cell(row, darkest, room, theme) for row in cells.to_dict("records")]
    rows += [
        {"pipeline": name, "beside": name, "fill": SELF, "ink": SOFT, "number": "", "below": ""}
        for name in names
    ]
    table: pd.DataFrame = pd.DataFrame(rows)
    return table


def _cell(row: Mapping[Hashable, Any], darkest: float, room: float, theme: Theme) -> dict[str, str]:
    place = {"pipeline": str(row["pipeline"]), "beside": str(row["beside"])}
    value = float(row["estimate"])
    if not isfinite(value):
        said = cut_reason(row["reason"], theme).split(" ")[0]
        return {**place, "fill": NULL, "ink": SOFT, "number": "–", "below": said}
    fill = mixed("#FFFFFF", COLOURS[0], min(1.0, max(0.0, log(value)) / log(darkest)))
    below = bracket(row)
    if text_width(below, theme.label_size) > room:
        below = ""
    ink = "#FFFFFF" if is_dark(fill) else INK
    return {**place, "fill": fill, "ink": ink, "number": short(value), "below": below}
