"""Dots with their intervals, a row each: what several figures of ratios share."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from math import isfinite, log10
from typing import Any

import altair as alt
import pandas as pd

from mlbench.figures.glyphs import cut
from mlbench.figures.palette import Look
from mlbench.figures.units import log_ticks, short
from mlbench.figures.venue import INK, SOFT, Theme

__all__ = ["bracket", "cut_reason", "interval_layers", "ratio_scale"]

_AROUND = re.compile(r"^(block \d+: )?(it was |it is |it )?|(; |, |: its ).*$")
"""What a reason says of the place and of its consequences."""


def ratio_scale(table: pd.DataFrame) -> tuple[float, float]:
    """Ends of a logarithmic axis for ratios, with 1 on it and room for a number at the right."""
    ends = [1.0]
    for column in ("estimate", "low", "high"):
        ends += [float(v) for v in table[column] if v is not None and isfinite(v) and v > 0]
    low, high = min(ends), max(ends)
    span = max(log10(high / low), 0.2)
    return 10 ** (log10(low) - 0.06 * span), 10 ** (log10(high) + 0.24 * span)


def cut_reason(reason: Any, theme: Theme) -> str:  # Any: a cell
    """Why there is no number, as short as the figure needs it."""
    if not isinstance(reason, str):
        return ""
    return cut(_AROUND.sub("", reason), theme.width * 0.5, theme.label_size)


def bracket(row: Mapping[Hashable, Any]) -> str:  # Any: a cell
    """The interval of a row, in brackets; empty without one."""
    low, high = float(row["low"]), float(row["high"])
    return f"[{short(low)}, {short(high)}]" if isfinite(low) and isfinite(high) else ""


def interval_layers(
    table: pd.DataFrame,
    look: Look,
    domain: tuple[float, float],
    theme: Theme,
    *,
    last: bool,
    title: str,
) -> Any:  # Any: a chart
    """One panel: a row for each line of ``table``, in its order.

    Parameters
    ----------
    table
        ``row``, ``of`` (``pipeline`` or ``stage``), ``estimate``, ``low``, ``high``, ``said``
        (why there is no estimate).
    last
        Whether the axis is labelled.
    title
        Of the axis.
    """
    low, high = domain
    order = list(dict.fromkeys(table["row"]))
    axis = alt.Axis(
        title=title if last else None,
        values=log_ticks(low, high),
        format="~g",
        labels=last,
        ticks=last,
        domain=last,
        grid=True,
    )
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x = alt.X("estimate:Q", axis=axis, scale=scale)
    y = alt.Y("row:N", sort=order, title=None, axis=alt.Axis(labelLimit=theme.width * 0.36))
    table = table.assign(number=[_number(value) for value in table["estimate"]])
    table["edge"] = table["high"].fillna(table["estimate"])
    known, null = table[table["estimate"].notna()], table[table["estimate"].isna()]
    layers = [_unity(x, theme)]
    if len(known):
        layers += [*_dots(known, look, x, y, theme)]
    if len(null):
        layers.append(
            alt.Chart(null.assign(estimate=max(low * 1.001, 1.0)))
            .mark_text(align="left", dx=theme.label_size * 0.5, color=SOFT)
            .encode(x, y, text="said:N")
        )
    return alt.layer(*layers).properties(height=len(order) * theme.label_size * 1.55)


def _number(value: float) -> str:
    return f"{short(value)}×" if value is not None and isfinite(value) else ""


def _unity(x: alt.X, theme: Theme) -> Any:  # Any: a chart
    frame = pd.DataFrame({"estimate": [1.0]})
    return alt.Chart(frame).mark_rule(strokeWidth=theme.hairline * 1.4, color=INK).encode(x)


def _dots(known: pd.DataFrame, look: Look, x: alt.X, y: alt.Y, theme: Theme) -> list[Any]:
    """Intervals, points and numbers. Any: charts."""
    spans = alt.Chart(known[known["low"].notna()])
    size = (4.2 * theme.line + 1) ** 2
    fills = known.assign(fill=["white" if of == "stage" else look.colour for of in known["of"]])
    fill = alt.Fill("fill:N", legend=None, scale=None)
    return [
        spans.mark_rule(strokeWidth=theme.line * 1.1, color=look.colour).encode(
            _at(x, "low"), y, x2="high:Q"
        ),
        alt.Chart(fills)
        .mark_point(
            shape=look.shape, size=size, stroke=look.colour, strokeWidth=theme.line, opacity=1
        )
        .encode(x, y, fill, tooltip=["row:N", "estimate:Q", "low:Q", "high:Q", "blocks:Q"]),
        alt.Chart(known)
        .mark_text(align="left", dx=theme.label_size * 0.6, color=INK)
        .encode(_at(x, "edge"), y, text="number:N"),
    ]


def _at(channel: Any, field: str) -> Any:  # Any: one of Altair's channels
    """The same channel of another column."""
    other = channel.copy()
    other.shorthand = f"{field}:Q"
    return other
