"""Latency: the distribution of each pipeline, with its tail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.analysis.latency import times_ns
from mlbench.errors import FigureError
from mlbench.figures.curve import MEDIAN, Curve, shares_of
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import Look
from mlbench.figures.source import Side, Source, source_of
from mlbench.figures.stack import stacked
from mlbench.figures.units import log_domain, log_ticks, time_unit
from mlbench.figures.validity import invalid, relaxed
from mlbench.figures.venue import Theme

__all__ = ["curves_of", "latency"]

AXIS = "quantile (tail on a log scale)"
SPARSE: Mapping[Side, str] = {"isolated": "circle", "collocated": "square"}
"""The shape of what has no curve."""

MARK = " (saturated)"
"""Behind a name in the key."""

THIN = 0.55
"""The line of a pipeline alone, in lines of the same one collocated."""


def latency(
    source: Any,  # Any: a run or a study
    *,
    treatment: str | None = None,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """The cumulative distribution of latency, with a scale that shows the tail.

    The axis has equal room from p0 to p90, to p99 and to p99.9 (it is -log10(1 - p)). Dots are
    quantiles with as many queries as `mlbench.stats.quantile_floor` asks for; with too few
    for a median there are hollow dots and no curve. Failed queries count as infinite: their
    curve ends below the others. A pipeline whose backlog grew is called saturated in the key:
    its latencies depend on how long one looked.

    A curve of a study is at each quantile the geometric mean over the blocks of
    ``study.slowdown()``, so its dots are what that table has; queries of several blocks are
    never pooled (Kalibera and Jones, ISMM 2013). Intervals are in `mlbench.figures.slowdown`.

    Parameters
    ----------
    source
        A run or a study; of a study a thin line is a pipeline alone.
    treatment
        Of a study with several collocated treatments, which one; default the last.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If no query has ended.
    """
    found = source_of(source, "latency", treatment=treatment)
    curves = [curve for curve in curves_of(found) if _finite([curve])]
    if not curves:
        raise FigureError(f"latency: no query of {found.id} is done, so it has no latencies")
    about = About(
        "latency",
        "Latency",
        _caption(found, curves),
        (found.id,),
        found.spec_hash,
        invalid(source),
        tuple(_too_few(found, curves)),
        relaxed(source),
    )
    return figure(lambda theme: _draw(found, curves, theme), about, venue, columns)


def curves_of(found: Source) -> Iterator[Curve]:
    """The latencies of each pipeline on each side."""
    for name in found.present():
        for side in found.sides():
            parts = [times_ns(o.queries, o.queries.latency_ns) for o in found.of(name, side)]
            if parts and all(part.size for part in parts):
                yield Curve(name, side, tuple(np.sort(part) for part in parts))


def _caption(found: Source, curves: Sequence[Curve]) -> str:
    counts = [f"{_spoken(found, c)} n = {c.count:,}{_failures(c)}" for c in curves]
    over = f": at each quantile the geometric mean over {found.blocks}" if found.blocks else ""
    few = f" Hollow: fewer than {MEDIAN} queries{_each(found)}, no curve."
    return (
        f"Distribution of latency from the intended arrival{over}; {sentence(counts, 6)}. "
        "Dots: quantiles (inverted_cdf) with queries enough by MLPerf's rule; failed queries "
        f"count as infinite.{few if any(c.is_sparse for c in curves) else ''}"
        f"{found.growing}{found.chosen}"
    )


def _too_few(found: Source, curves: Sequence[Curve]) -> Iterator[str]:
    """What preflight says of those that have no curve."""
    for curve in curves:
        if curve.is_sparse:
            yield (
                f"{_spoken(found, curve)} has {curve.least} queries{_each(found)}, a median needs "
                f"{MEDIAN}: measure longer, or at a higher rate"
            )


def _each(found: Source) -> str:
    return " in a block" if found.kind == "study" else ""


def _spoken(found: Source, curve: Curve) -> str:
    return f"{curve.pipeline} {curve.side}" if found.kind == "study" else curve.pipeline


def _failures(curve: Curve) -> str:
    return f" ({curve.failed:,} failed)" if curve.failed else ""


def _draw(found: Source, curves: Sequence[Curve], theme: Theme) -> Any:  # Any: a chart
    unit = time_unit(_finite(curves))
    low, high = log_domain(value / unit.size for value in _finite(curves))
    points = pd.concat([curve.points(unit) for curve in curves])
    marks = pd.DataFrame([row for curve in curves for row in curve.marks(unit)])
    top = float(points["nines"].max()) * 1.03
    x = alt.X(
        "latency:Q",
        title=unit.title("latency"),
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(values=log_ticks(low, high), format="~g"),
    )
    y = alt.Y("nines:Q", title=AXIS, scale=alt.Scale(domain=[0, top]), axis=_percents(top))
    sparse = points["curve"].isin({curve.name for curve in curves if curve.is_sparse})
    layers = []
    if not sparse.all():
        layers.append(_lines(points[~sparse], curves, found.looks, theme, x, y))
    if sparse.any():
        layers.append(_outlines(points[sparse], curves, found.looks, theme, x, y))
    if len(marks):
        layers.append(_dots(marks, found.looks, theme, x, y))
    plot = alt.layer(*layers).properties(height=theme.height * 1.15)
    return stacked([key(_entries(found, curves, theme), theme, theme.panel), plot], 2)


def _finite(curves: Sequence[Curve]) -> list[float]:
    """The ends of each curve, ns."""
    every = [curve.at(shares_of(curve.least)) for curve in curves]
    known = [values[np.isfinite(values)] for values in every]
    return [float(edge) for values in known if values.size for edge in (values[0], values[-1])]


def _percents(top: float) -> alt.Axis:
    """Labels for shares on the axis of nines."""
    shares = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999]
    places = {-np.log10(1 - p): f"p{100 * p:g}" for p in shares}
    shown = {place: name for place, name in places.items() if place <= top}
    names = "{" + ",".join(f"'{place:.3f}':'{name}'" for place, name in shown.items()) + "}"
    return alt.Axis(values=list(shown), labelExpr=f"{names}[format(datum.value, '.3f')]", grid=True)


def _lines(
    points: pd.DataFrame,
    curves: Sequence[Curve],
    looks: dict[str, Look],
    theme: Theme,
    x: alt.X,
    y: alt.Y,
) -> Any:  # Any: a chart
    names = [curve.name for curve in curves]
    dashes = [looks[c.pipeline].dashed(theme.line) or [1, 0] for c in curves]
    widths = {curve.name: _width(curve, theme, curves) for curve in curves}
    colours = {curve.name: looks[curve.pipeline].colour for curve in curves}
    points = points.assign(width=points["curve"].map(widths), colour=points["curve"].map(colours))
    chart = alt.Chart(points).mark_line(interpolate="step-before")
    return chart.encode(
        x,
        y,
        alt.Color("colour:N", scale=None, legend=None),
        alt.StrokeDash("curve:N", legend=None).scale(domain=names, range=dashes),
        alt.Size("width:Q", scale=None, legend=None),  # of a line, its width
        alt.Detail("curve:N"),
    )


def _width(curve: Curve, theme: Theme, curves: Sequence[Curve]) -> float:
    both = len({each.side for each in curves}) > 1
    return theme.line * (THIN if both and curve.side == "isolated" else 1.15)


def _dots(
    marks: pd.DataFrame, looks: dict[str, Look], theme: Theme, x: alt.X, y: alt.Y
) -> Any:  # Any: a chart
    """Quantiles on the curves."""
    colours = [looks[name].colour for name in marks["pipeline"]]
    return (
        alt.Chart(marks.assign(colour=colours))
        .mark_point(size=(2.6 * theme.line) ** 2, filled=True, stroke="white", strokeWidth=0.4)
        .encode(
            x,
            y,
            alt.Color("colour:N", scale=None, legend=None),
            tooltip=["pipeline:N", "quantile:N", alt.Tooltip("latency:Q", format=".4g")],
        )
    )


def _outlines(
    points: pd.DataFrame,
    curves: Sequence[Curve],
    looks: dict[str, Look],
    theme: Theme,
    x: alt.X,
    y: alt.Y,
) -> Any:  # Any: a chart
    """What is too little for a curve: a shape for each side, as in the key."""
    shapes = {curve.name: SPARSE[curve.side] for curve in curves}
    colours = [looks[name].colour for name in points["pipeline"]]
    frame = points.assign(colour=colours, shape=points["curve"].map(shapes))
    return (
        alt.Chart(frame)
        .mark_point(size=(2.8 * theme.line) ** 2, filled=False, strokeWidth=theme.line * 0.7)
        .encode(
            x,
            y,
            alt.Color("colour:N", scale=None, legend=None),
            alt.Shape("shape:N", scale=None, legend=None),
            tooltip=["pipeline:N", alt.Tooltip("latency:Q", format=".4g")],
        )
    )


def _entries(found: Source, curves: Sequence[Curve], theme: Theme) -> list[Entry]:
    """Each curve with the line that it has in the picture; of a saturated one it says so."""
    found_looks, saturated = found.looks, set(found.saturated)
    return [
        Entry(
            _spoken(found, curve) + MARK * ((curve.pipeline, curve.side) in saturated),
            found_looks[curve.pipeline].colour,
            found_looks[curve.pipeline].dashed(theme.line),
            0.0 if curve.is_sparse else _width(curve, theme, curves),
            shape=SPARSE[curve.side],
            hollow=curve.is_sparse,
        )
        for curve in curves
    ]
