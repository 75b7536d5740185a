"""Sweep: any result over any parameter, in small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.charts.curves import GROWING, curves, value_scale
from mlbench.figures.figure import About, Chart, figure
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import Look, looks
from mlbench.figures.stack import beside, stacked
from mlbench.figures.study import ratio_title
from mlbench.figures.table import check_table, column_of, is_left_out, long_form
from mlbench.figures.units import linear_or_log, log_ticks, number_format, spoken_name
from mlbench.figures.validity import relaxed
from mlbench.figures.venue import SOFT, Theme

__all__ = ["sweep"]

MOST_PANELS = 24
ALL = "all"
RATIO = "slowdown_"
LATENCY = "latency"


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
    table has no bounds of its own. Rows that are INVALID do not count: they are left out, and
    a point of which there are no others is hollow. An arrow stands at latencies of a saturated
    pipeline: they depend on how long one looked.

    Parameters
    ----------
    table
        Tidy: columns are parameters and results. The result is a column, with bounds in
        ``Y_low`` and ``Y_high`` where there are, or a value of the column ``metric`` beside
        ``estimate``, ``low`` and ``high``.
    x, y
        Parameter and result; of a dotted name the last part will do, here and below.
    by
        Default ``pipeline``, where the table has one, isolated and collocated apart.
    panels
        A further parameter.
    x_title, y_title
        Of the axes, with their units; default the last parts of the names.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If the table lacks a column, or the result has no number.
    """
    rows = long_form(check_table(table, "sweep"), y, "sweep")
    numbers = rows["estimate"].notna() & np.isfinite(rows["estimate"])
    tidy = pd.DataFrame({"x": column_of(rows, x, "sweep"), "name": _names(rows, numbers, by)})
    tidy["panel"] = column_of(rows, panels, "sweep").astype(str) if panels else ""
    tidy[["estimate", "low", "high"]] = rows[["estimate", "low", "high"]]
    tidy["hollow"], tidy["growing"] = is_left_out(rows), _is_growing(rows, y)
    known = tidy[numbers]
    if not len(known):
        raise FigureError(f"sweep: no row has a number of {y!r}")
    if (count := known["panel"].nunique()) > MOST_PANELS:
        raise FigureError(
            f"sweep: {panels} has {count} values, {MOST_PANELS} panels at most: filter it"
        )
    merged = _merged(known)
    words = (x_title or spoken_name(x), y_title or _result(y), spoken_name(panels or ""))
    line = by or ("pipeline" if "pipeline" in rows else "")
    about = _about(words, line, tidy, known, merged, relaxed(rows[numbers]))
    names = list(dict.fromkeys(tidy["name"]))
    return figure(lambda theme: _draw(merged, looks(names), words, theme), about, venue, columns)


def _is_growing(rows: pd.DataFrame, y: str) -> pd.Series | bool:
    """Which values are latencies without a steady value."""
    if "saturated" not in rows or not y.rpartition(".")[2].startswith(LATENCY):
        return False
    found: pd.Series = rows["saturated"].isin([True])
    return found


def _result(y: str) -> str:
    """A result as its axis has it."""
    return ratio_title(y.removeprefix(RATIO)) if y.startswith(RATIO) else spoken_name(y)


def _names(rows: pd.DataFrame, numbers: pd.Series, by: str | None) -> pd.Series | str:
    """The line of each row; what a pipeline is alone and together are two."""
    if by:
        return column_of(rows, by, "sweep").astype(str)
    if "pipeline" not in rows or not rows["pipeline"].notna().any():
        return ALL
    names: pd.Series = rows["pipeline"].astype(str)
    if "role" not in rows or rows["role"][numbers].nunique() < 2:
        return names
    return names + " " + rows["role"].fillna("").astype(str)


Words = tuple[str, str, str]
"""Titles of the axes, and the name of the panels' parameter."""


def _about(
    words: Words,
    by: str,
    tidy: pd.DataFrame,
    known: pd.DataFrame,
    merged: pd.DataFrame,
    limits: str,
) -> About:
    x, y, panels = words
    lines = f", a line for each {spoken_name(by)}" if by else ""
    each = f", a panel for each {panels}" if panels else ""
    sizes = sorted(set(merged["n"].astype(int)))
    counts = f"n = {sizes[0]}" if len(sizes) == 1 else f"n = {sizes[0]} to {sizes[-1]}"
    null = len(tidy) - len(known)
    missing = f" {null} rows have no value." if null else ""
    left, hollow = int(known["hollow"].sum()), bool(merged["hollow"].any())
    told = f"{left} of {len(known)} rows do not count, because they are INVALID"
    alone = "; hollow points are of them alone" if hollow else ""
    growing = f" {GROWING}: saturated, so the value depends on how long one looked."
    caption = (
        f"{y} over {x}{lines}{each}. Mean of {counts} rows a point; bars: the "
        f"table's bounds, else the range of its repeats.{missing}"
        f"{growing if merged['growing'].any() else ''}"
    )
    return About(
        "sweep",
        f"{y} over {x}",
        f"{caption} {told}{alone}." if left else caption,
        invalid=f"All {left} rows are INVALID." if left == len(known) else "",
        findings=(f"{told}{alone}",) if left else (),
        relaxed=limits,
    )


def _merged(known: pd.DataFrame) -> pd.DataFrame:
    """Repeats as one row, with how many there were; hollow where none of them counts."""
    place = ["panel", "name", "x"]
    counts = (~known["hollow"]).groupby([known[key] for key in place], observed=True)
    chosen = known[known["hollow"] != counts.transform("any")]
    groups = chosen.groupby(place, sort=False, observed=True)
    merged = groups.agg(
        estimate=("estimate", "mean"),
        least=("estimate", "min"),
        most=("estimate", "max"),
        low=("low", "mean"),
        high=("high", "mean"),
        n=("estimate", "size"),
        hollow=("hollow", "all"),
        growing=("growing", "any"),
    ).reset_index()
    own = merged["low"].notna() & merged["high"].notna()
    several = merged["n"] > 1
    for bound, reach in (("low", "least"), ("high", "most")):
        merged[bound] = merged[bound].where(own, merged[reach].where(several))
    found: pd.DataFrame = merged
    return found


def _draw(
    merged: pd.DataFrame, every: dict[str, Look], words: Words, theme: Theme
) -> Any:  # Any: a chart
    scale = value_scale(merged)
    x, merged = _across(merged, words[0])
    names = list(dict.fromkeys(merged["name"]))
    mine = {name: every[name] for name in names}
    values = list(dict.fromkeys(merged["panel"]))
    marked = [Entry("INVALID", SOFT, shape="circle", hollow=True)] if merged["hollow"].any() else []
    if len(values) == 1 and not words[2]:
        labelled = names != [ALL]
        plot = curves(merged, mine, x, words[1], theme, scale=scale, labelled=labelled)
        return stacked([key(marked, theme, theme.panel), plot], 2) if marked else plot
    grid = _grid(merged, mine, x, words, scale, theme, values)
    entries = [Entry(n, mine[n].colour, mine[n].dashed(theme.line), theme.line) for n in names]
    entries = marked if names == [ALL] else [*entries, *marked]
    return stacked([key(entries, theme), grid], theme.label_size * 0.6) if entries else grid


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
        rows.append(beside(cells, theme.label_size))
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
