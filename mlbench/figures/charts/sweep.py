"""Sweep: any result over any parameter, in small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.charts.curves import curves, value_scale
from mlbench.figures.figure import About, Chart, figure
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import Look, looks
from mlbench.figures.stack import stacked
from mlbench.figures.table import check_table, column_of, long_form
from mlbench.figures.units import linear_or_log, log_ticks, number_format
from mlbench.figures.venue import SOFT, Theme

__all__ = ["sweep"]

MOST_PANELS = 24
ALL = "all"


def sweep(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    by: str | None = None,
    panels: str | None = None,
    x_title: str | None = None,
    y_title: str | None = None,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """A result over a parameter: a line for each ``by``, a panel for each value of ``panels``.

    Rows that agree in all three are repeats: their mean is drawn, and their range where the
    table has no bounds of its own.

    Parameters
    ----------
    table
        Tidy: columns are parameters and results. The result is a column, with bounds in
        ``Y_low`` and ``Y_high`` where there are, or a value of the column ``metric`` beside
        ``estimate``, ``low`` and ``high``.
    x, y
        Parameter and result.
    by
        Default ``pipeline``, where the table has one.
    panels
        A further parameter.
    x_title, y_title
        Of the axes, with their units; default the names.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If the table lacks a column, or the result has no number.
    """
    rows = long_form(check_table(table, "sweep"), y, "sweep")
    if by is None and "pipeline" in rows and rows["pipeline"].notna().any():
        by = "pipeline"
    tidy = pd.DataFrame({"x": column_of(rows, x, "sweep")})
    tidy["name"] = column_of(rows, by, "sweep").astype(str) if by else ALL
    tidy["panel"] = column_of(rows, panels, "sweep").astype(str) if panels else ""
    tidy[["estimate", "low", "high"]] = rows[["estimate", "low", "high"]]
    known = tidy[tidy["estimate"].notna() & np.isfinite(tidy["estimate"])]
    if not len(known):
        raise FigureError(f"sweep: no row has a number of {y!r}")
    count = known["panel"].nunique()
    if count > MOST_PANELS:
        raise FigureError(
            f"sweep: {panels} has {count} values, {MOST_PANELS} panels at most: filter it"
        )
    merged, repeats = _merged(known)
    names = list(dict.fromkeys(tidy["name"]))
    caption = _caption(x, y, by, panels, len(tidy) - len(known), repeats)
    about = About("sweep", f"{y} over {x}", caption)
    words = (x_title or _spoken(x), y_title or _spoken(y), panels or "")
    return figure(lambda theme: _draw(merged, looks(names), words, theme), about, venue, columns)


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _caption(
    x: str, y: str, by: str | None, panels: str | None, null: int, repeats: Sequence[int]
) -> str:
    lines = f", a line for each {by}" if by else ""
    each = f", a panel for each {panels}" if panels else ""
    counts = f"n = {repeats[0]}" if len(repeats) == 1 else f"n = {repeats[0]} to {repeats[-1]}"
    missing = f" {null} rows have no value." if null else ""
    return (
        f"{_spoken(y)} over {_spoken(x)}{lines}{each}. Mean of {counts} rows a point; bars: the "
        f"table's bounds, else the range of its repeats.{missing}"
    )


def _merged(known: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    """Repeats as one row, and how many there were."""
    groups = known.groupby(["panel", "name", "x"], sort=False, observed=True)
    merged = groups.agg(
        estimate=("estimate", "mean"),
        least=("estimate", "min"),
        most=("estimate", "max"),
        low=("low", "mean"),
        high=("high", "mean"),
        n=("estimate", "size"),
    ).reset_index()
    own = merged["low"].notna() & merged["high"].notna()
    several = merged["n"] > 1
    for bound, reach in (("low", "least"), ("high", "most")):
        merged[bound] = merged[bound].where(own, merged[reach].where(several))
    return merged, sorted(set(merged["n"].astype(int)))


Words = tuple[str, str, str]
"""Titles of the axes, and the name of the panels' parameter."""


def _draw(
    merged: pd.DataFrame, every: dict[str, Look], words: Words, theme: Theme
) -> Any:  # Any: a chart
    scale = value_scale(merged)
    x, merged = _across(merged, words[0])
    names = list(dict.fromkeys(merged["name"]))
    mine = {name: every[name] for name in names}
    values = list(dict.fromkeys(merged["panel"]))
    if len(values) == 1 and not words[2]:
        labelled = names != [ALL]
        return curves(merged, mine, x, words[1], theme, scale=scale, labelled=labelled)
    grid = _grid(merged, mine, x, words, scale, theme, values)
    if names == [ALL]:
        return grid
    entries = [Entry(n, mine[n].colour, mine[n].dashed(theme.line), theme.line) for n in names]
    return stacked([key(entries, theme), grid], theme.label_size * 0.6)


def _grid(
    merged: pd.DataFrame,
    mine: dict[str, Look],
    x: alt.X,
    words: Words,
    scale: tuple[str, float, float],
    theme: Theme,
    values: Sequence[str],
) -> Any:  # Any: a chart
    """The panels, row by row; axes are titled at the left and at the bottom."""
    across = min(len(values), 4 if theme.is_wide else 2)
    rows = []
    for begin in range(0, len(values), across):
        cells = [
            _cell(merged, mine, x, words, scale, theme, value, at, len(values) - at <= across)
            for at, value in enumerate(values[begin : begin + across], start=begin)
        ]
        rows.append(alt.hconcat(*cells, spacing=theme.label_size))
    return stacked(rows, theme.label_size * 0.8)


def _cell(
    merged: pd.DataFrame,
    mine: dict[str, Look],
    x: alt.X,
    words: Words,
    scale: tuple[str, float, float],
    theme: Theme,
    value: str,
    at: int,
    lowest: bool,
) -> Any:  # Any: a chart
    across = 4 if theme.is_wide else 2
    rows = merged[merged["panel"] == value]
    own = x if lowest else _bare(x)
    title = words[1] if at % across == 0 else None
    head = alt.TitleParams(
        f"{words[2]} = {value}",
        fontSize=theme.label_size,
        fontWeight=400,
        color=SOFT,
        offset=3,
        anchor="start",
    )
    tall = theme.height * 0.72
    plot = curves(
        rows, mine, own, title, theme, height=tall, scale=scale, labelled=False, bare=title is None
    )
    return plot.properties(title=head, width=theme.panel / across - 2 * theme.label_size)


def _bare(x: alt.X) -> alt.X:
    """The same axis without labels and title, its ticks where they were."""
    bare = x.copy()
    axis = bare.to_dict().get("axis", {})
    bare.axis = alt.Axis(**{**axis, "labels": False})
    bare.title = None
    return bare


def _across(merged: pd.DataFrame, title: str) -> tuple[alt.X, pd.DataFrame]:
    """The axis of the parameter: numbers linear or logarithmic, anything else in its order."""
    numbers = pd.to_numeric(merged["x"], errors="coerce")
    if numbers.notna().all() and merged["x"].dtype != bool:
        merged = merged.assign(x=numbers.astype(float)).sort_values("x", kind="stable")
        kind = linear_or_log(merged["x"])
        low, high = float(merged["x"].min()), float(merged["x"].max())
        scale = alt.Scale(type=kind, nice=False, zero=False, padding=4)
        axis = alt.Axis(format=number_format(high))
        if kind == "log":
            axis = alt.Axis(values=log_ticks(low, high), format="~g")
        return alt.X("x:Q", title=title, scale=scale, axis=axis), merged
    order = [str(value) for value in dict.fromkeys(merged["x"])]
    merged = merged.assign(x=merged["x"].astype(str))
    return alt.X("x:N", title=title, sort=order, axis=alt.Axis(labelAngle=0)), merged
