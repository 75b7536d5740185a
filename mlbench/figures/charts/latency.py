"""Latency: the distribution of each pipeline, with its tail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.analysis.arrays import Floats
from mlbench.analysis.latency import times_ns
from mlbench.errors import FigureError
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import Look
from mlbench.figures.source import Side, Source, source_of
from mlbench.figures.stack import stacked
from mlbench.figures.units import Unit, log_domain, log_ticks, time_unit
from mlbench.figures.validity import caveat
from mlbench.figures.venue import INK, Theme
from mlbench.stats import quantile_floor

__all__ = ["latency"]

MARKED = (0.5, 0.9, 0.99, 0.999)
POINTS = 300
THIN = 0.55
"""The line of a pipeline alone, in lines of the same one collocated."""


@dataclass(frozen=True)
class Curve:
    """The latencies of one pipeline on one side, in ns, infinite where a query failed."""

    pipeline: str
    side: Side
    values: Floats

    @property
    def failed(self) -> int:
        """How many did not succeed."""
        return int(np.isinf(self.values).sum())

    def points(self, unit: Unit) -> pd.DataFrame:
        """The curve: ``latency`` in the unit and ``nines``, -log10 of the share above it."""
        ordered = np.sort(self.values)
        ordered = ordered[np.isfinite(ordered)]
        count = self.values.size
        ranks = np.unique(_ranks(count, ordered.size))
        nines = -np.log10(1 - (ranks + 0.5) / count)
        frame = pd.DataFrame({"latency": ordered[ranks] / unit.size, "nines": nines})
        curve: pd.DataFrame = frame.assign(pipeline=self.pipeline, side=self.side, curve=self.name)
        return curve

    @property
    def name(self) -> str:
        """Distinct for each curve."""
        return f"{self.side}\n{self.pipeline}"

    def marks(self, unit: Unit) -> Iterator[dict[str, Any]]:  # Any: a row
        """The quantiles that it has queries enough for."""
        for p in MARKED:
            if self.values.size < quantile_floor(p):
                continue
            value = float(np.quantile(self.values, p, method="inverted_cdf"))
            if np.isfinite(value):
                yield {
                    "latency": value / unit.size,
                    "nines": -np.log10(1 - p),
                    "curve": self.name,
                    "pipeline": self.pipeline,
                    "quantile": f"p{100 * p:g}",
                }


def _ranks(count: int, successes: int) -> Any:  # Any: an array of int
    """Ranks that lie evenly on the axis: few in the body, all in the tail."""
    top = -np.log10(1 - (max(successes - 1, 0) + 0.5) / count)
    shares = 1 - 10 ** -np.linspace(0, top, POINTS)
    return np.clip((shares * count).astype(int), 0, max(successes - 1, 0))


def latency(
    source: Any,  # Any: a run or a study
    *,
    treatment: str | None = None,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """The cumulative distribution of latency, with a scale that shows the tail.

    The axis has equal room from p0 to p90, to p99 and to p99.9 (it is -log10(1 - p)). Dots are
    quantiles with as many queries as `mlbench.stats.quantile_floor` asks for. Failed queries
    count as infinite: their curve ends below the others. Of a study, the queries of all blocks
    are pooled for the curves; intervals are in `mlbench.figures.slowdown`.

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
    curves = [curve for curve in _curves(found) if np.isfinite(curve.values).any()]
    if not curves:
        raise FigureError(f"latency: no query of {found.id} is done, so it has no latencies")
    caption = _caption(found, curves) + caveat(source)
    about = About("latency", "Latency", caption, (found.id,), found.spec_hash)
    return figure(lambda theme: _draw(found, curves, theme), about, venue, columns)


def _curves(found: Source) -> Iterator[Curve]:
    for name in found.present():
        for side in found.sides():
            parts = [times_ns(o.queries, o.queries.latency_ns) for o in found.of(name, side)]
            if parts:
                yield Curve(name, side, np.concatenate(parts))


def _caption(found: Source, curves: Sequence[Curve]) -> str:
    counts = [f"{c.pipeline} {_side(found, c)}n = {c.values.size:,}{_failures(c)}" for c in curves]
    pooled = f" pooled over {found.blocks} blocks" if found.kind == "study" else ""
    return (
        f"Distribution of latency from the intended arrival{pooled}; {sentence(counts, 6)}. "
        "Dots: quantiles (inverted_cdf) with queries enough by MLPerf's rule; failed queries "
        f"count as infinite.{found.chosen}"
    )


def _side(found: Source, curve: Curve) -> str:
    return f"{curve.side} " if found.kind == "study" else ""


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
    y = alt.Y("nines:Q", title=None, scale=alt.Scale(domain=[0, top]), axis=_percents(top))
    layers = [_lines(points, curves, found.looks, theme, x, y)]
    if len(marks):
        layers.append(_dots(marks, curves, found.looks, theme, x, y))
    plot = alt.layer(*layers).properties(height=theme.height * 1.15)
    return stacked([key(_entries(found, curves, theme), theme), plot], 2)


def _finite(curves: Sequence[Curve]) -> list[float]:
    ends = [c.values[np.isfinite(c.values)] for c in curves]
    return [float(edge) for values in ends for edge in (values.min(), values.max())]


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
    marks: pd.DataFrame,
    curves: Sequence[Curve],
    looks: dict[str, Look],
    theme: Theme,
    x: alt.X,
    y: alt.Y,
) -> Any:  # Any: a chart
    colours = {curve.pipeline: looks[curve.pipeline].colour for curve in curves}
    return (
        alt.Chart(marks.assign(colour=marks["pipeline"].map(colours)))
        .mark_point(size=(2.6 * theme.line) ** 2, filled=True, stroke="white", strokeWidth=0.4)
        .encode(
            x,
            y,
            alt.Color("colour:N", scale=None, legend=None),
            tooltip=["pipeline:N", "quantile:N", alt.Tooltip("latency:Q", format=".4g")],
        )
    )


def _entries(found: Source, curves: Sequence[Curve], theme: Theme) -> list[Entry]:
    names = list(dict.fromkeys(curve.pipeline for curve in curves))
    entries = [
        Entry(n, found.looks[n].colour, found.looks[n].dashed(theme.line), theme.line * 1.15)
        for n in names
    ]
    if len({curve.side for curve in curves}) > 1:
        entries += [Entry("isolated", INK, [], theme.line * THIN)]
        entries += [Entry("collocated", INK, [], theme.line * 1.15)]
    return entries
