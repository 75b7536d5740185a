"""Curves with intervals and their names at the end: what several figures share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log10
from typing import Any

import altair as alt
import pandas as pd

from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import Look
from mlbench.figures.stack import stacked
from mlbench.figures.units import linear_or_log, log_ticks, number_format
from mlbench.figures.venue import INK, Theme

__all__ = ["apart", "arrows", "curves", "pixels", "value_scale"]

NAMED = 6
"""More curves than these have a key above them instead of names at their ends."""

COLOUR = alt.Color("colour:N", scale=None, legend=None)

GROWING = "↑"
"""What stands at a saturated point; captions explain it."""


def value_scale(
    table: pd.DataFrame, unity: bool = False, room: float = 0.06
) -> tuple[str, float, float]:
    """The kind of the axis of values and its ends, intervals included."""
    ends = [float(v) for c in ("estimate", "low", "high") for v in table[c].dropna()]
    kind = "log" if unity and min(ends) > 0 else linear_or_log(ends)
    ends += [1.0] if unity else []
    low, high = min(ends), max(ends)
    if kind == "log":
        span = max(log10(high / low), 0.15)
        return kind, 10 ** (log10(low) - room * span), 10 ** (log10(high) + room * span)
    low = min(0.0, low)
    return kind, low, high + room * max(high - low, 1e-12)


def curves(
    table: pd.DataFrame,
    looks: Mapping[str, Look],
    x: alt.X,
    title: str | None,
    theme: Theme,
    *,
    unity: bool = False,
    height: float | None = None,
    scale: tuple[str, float, float] | None = None,
    labelled: bool = True,
    bare: bool = False,
    extra: Sequence[Any] = (),  # Any: charts
) -> Any:  # Any: a chart
    """A line with points and intervals for each name.

    Parameters
    ----------
    table
        ``name``, ``x``, ``estimate``, ``low``, ``high``; and, where there are such points,
        ``hollow`` (outlines beside the lines: they do not count) and ``growing`` (see `arrows`).
    looks
        By name.
    unity
        Whether the values are ratios: a logarithmic axis with a rule at 1.
    scale
        Of the values; default `value_scale`.
    labelled
        Whether names stand at the ends, or above.
    bare
        Whether the axis of values has no labels, because the panel beside it has them.
    """
    kind, low, high = scale or value_scale(table, unity)
    tall = height or theme.height * 1.05
    ticks = {"tickCount": max(2, int(tall / theme.label_size / 2.4)), "format": number_format(high)}
    if kind == "log":
        ticks = {"values": log_ticks(low, high), "format": "~g"}
    axis = alt.Axis(**ticks, labels=not bare)
    y = alt.Y("estimate:Q", title=title, axis=axis).scale(type=kind, domain=[low, high], nice=False)
    table = _styled(table, looks)
    none = pd.Series(False, index=table.index)
    hollow, growing = (table.get(column, none) for column in ("hollow", "growing"))
    names = [name for name in looks if name in set(table["name"])]
    shape = _shape(names, looks)
    direct = labelled and len(names) <= NAMED
    layers = [
        *([_unity(y, theme)] if unity else []),
        *extra,
        *_lines(table[~hollow], names, looks, x, y, theme),
        _points(table[~hollow], shape, x, y, theme),
        *([_points(table[hollow], shape, x, y, theme, hollow=True)] if hollow.any() else []),
        *arrows(table[growing], looks, x, y),
    ]
    if direct:
        layers.append(_end_names(table, x, y, (kind, low, high), tall, theme))
    plot = alt.layer(*layers).properties(height=tall)
    if direct or not labelled:
        return plot
    entries = [Entry(n, looks[n].colour, looks[n].dashed(theme.line), theme.line) for n in names]
    return stacked([key(entries, theme), plot], 2)


def _styled(table: pd.DataFrame, looks: Mapping[str, Look]) -> pd.DataFrame:
    styled: pd.DataFrame = table.assign(colour=[looks[name].colour for name in table["name"]])
    return styled


def _shape(names: Sequence[str], looks: Mapping[str, Look]) -> alt.Shape:
    shapes = [looks[name].shape for name in names]
    return alt.Shape("name:N", legend=None).scale(domain=names, range=shapes)


def _unity(y: alt.Y, theme: Theme) -> Any:  # Any: a chart
    frame = pd.DataFrame({"estimate": [1.0]})
    return alt.Chart(frame).mark_rule(strokeWidth=theme.hairline * 1.4, color=INK).encode(y)


def _lines(
    table: pd.DataFrame,
    names: Sequence[str],
    looks: Mapping[str, Look],
    x: alt.X,
    y: alt.Y,
    theme: Theme,
) -> list[Any]:  # Any: charts
    """The curves, and the interval of each point."""
    dashes = [looks[name].dashed(theme.line) or [1, 0] for name in names]
    low = y.copy()
    low.shorthand = "low:Q"
    return [
        alt.Chart(table)
        .mark_line(strokeWidth=theme.line)
        .encode(
            x,
            y,
            COLOUR,
            alt.StrokeDash("name:N", legend=None).scale(domain=names, range=dashes),
            alt.Detail("name:N"),
        ),
        alt.Chart(table[table["low"].notna() & table["high"].notna()])
        .mark_rule(strokeWidth=theme.line * 0.9)
        .encode(x, low, COLOUR, y2="high:Q"),
    ]


def _points(
    table: pd.DataFrame, shape: alt.Shape, x: alt.X, y: alt.Y, theme: Theme, hollow: bool = False
) -> Any:  # Any: a chart
    """A symbol for each row; an outline where it does not count."""
    size = 3.2 * theme.line + (0.0 if hollow else 0.8)
    filled = {"stroke": "white", "strokeWidth": 0.4, "filled": True}
    outline = {"strokeWidth": theme.line * 0.7, "filled": False}
    bounds = [] if hollow else ["low:Q", "high:Q"]
    return (
        alt.Chart(table)
        .mark_point(size=size**2, **(outline if hollow else filled))
        .encode(x, y, COLOUR, shape, tooltip=["name:N", "x", "estimate:Q", *bounds])
    )


def _end_names(
    table: pd.DataFrame,
    x: alt.X,
    y: alt.Y,
    scale: tuple[str, float, float],
    tall: float,
    theme: Theme,
) -> Any:  # Any: a chart
    """Each name to the right of the last point of its curve, none over another."""
    ends = table.sort_values("x", kind="stable").groupby("name", sort=False).tail(1)
    ends = ends.drop_duplicates("name").copy()
    places = [pixels(value, scale, tall) for value in ends["estimate"]]
    ends["shift"] = [new - old for new, old in zip(apart(places, theme), places, strict=True)]
    words = [
        alt.Chart(ends[ends["name"] == name])
        .mark_text(align="left", dx=theme.label_size * 0.7, dy=float(shift))
        .encode(x, y, COLOUR, text="name:N")
        for name, shift in zip(ends["name"], ends["shift"], strict=True)
    ]
    return alt.layer(*words)


def arrows(table: pd.DataFrame, looks: Mapping[str, Look], x: alt.X, y: Any) -> list[Any]:
    """An arrow up for each row: a latency without a steady value. Any: an encoding, charts.

    Parameters
    ----------
    table
        ``name`` and ``x``, and what ``y`` encodes.
    """
    if not len(table):
        return []
    words = alt.Chart(_styled(table, looks)).mark_text(text=GROWING, baseline="bottom", dy=-2)
    return [words.encode(x, y, COLOUR)]


def pixels(value: float, scale: tuple[str, float, float], tall: float) -> float:
    """How far below the top of a panel a value stands, in points."""
    kind, low, high = scale
    if kind == "log":
        value, low, high = log10(max(value, low)), log10(low), log10(high)
    return tall * (1 - (value - low) / max(high - low, 1e-12))


def apart(places: Sequence[float], theme: Theme) -> list[float]:
    """The places moved so that lines of text at them do not touch, in the same order."""
    gap = theme.label_size * 1.15
    order = sorted(range(len(places)), key=lambda at: places[at])
    moved = list(places)
    for _ in range(50):
        for upper, lower in pairwise(order):
            overlap = gap - (moved[lower] - moved[upper])
            if overlap > 0:
                moved[upper] -= overlap / 2
                moved[lower] += overlap / 2
    return moved
