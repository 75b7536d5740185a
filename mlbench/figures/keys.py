"""Keys: a line or square for each name, in rows above a panel, set by text width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from mlbench.figures.glyphs import text_width
from mlbench.figures.venue import INK, Theme

__all__ = ["Entry", "key"]


@dataclass(frozen=True)
class Entry:
    """One name with its sample: a line where it has a width, else a symbol, or no sample.

    Parameters
    ----------
    colour
        Of the sample; empty for a heading, which has none and is set in semibold.
    note
        Without a colour: set as the rest.
    hollow
        Whether its symbol is only an outline.
    """

    name: str
    colour: str = ""
    dash: Sequence[float] = ()
    line: float = 0.0
    shape: str = "square"
    note: bool = False
    hollow: bool = False

    @property
    def weight(self) -> int:
        """Of its text."""
        return 400 if self.colour or self.note else 600

    def sample(self, size: float) -> float:
        """The width of its sample and the space behind it, for text of that size."""
        if not self.colour:
            return 0.0
        return (3.6 if self.line else 1.2) * size

    def width(self, size: float) -> float:
        """The width of the whole."""
        return self.sample(size) + text_width(self.name, size, self.weight)


def key(entries: Sequence[Entry], theme: Theme, room: float | None = None) -> Any:  # Any: a chart
    """The entries from left to right, in as many rows as they need.

    Vega's own legends are laid out after the panels and move them; this is a panel of known
    height whose sample lines are long enough to show a dash.

    Parameters
    ----------
    room
        The width of a row, points; less than the default where labels stand left of the panel.
    """
    frame, rows = _placed(entries, theme, room or theme.width * 0.97)
    y = alt.Y("row:Q", axis=None).scale(domain=[rows - 0.5, -0.5], nice=False)
    x = alt.X("x:Q", axis=None, scale=None)  # without a scale a value is a place in points
    words = alt.X("text:Q", axis=None, scale=None)
    layers = [
        *_lines(frame[frame["line"] > 0], x, y),
        *_symbols(frame[(frame["line"] == 0) & (frame["colour"] != "")], theme, x, y),
    ]
    for weight, rows_of in frame.drop(columns="dash").groupby("weight"):
        text = alt.Chart(rows_of).mark_text(
            align="left", baseline="middle", color=INK, fontWeight=int(weight)
        )
        layers.append(text.encode(words, y, text="name:N"))
    return alt.layer(*layers).properties(height=rows * theme.label_size * 1.45)


def _lines(frame: pd.DataFrame, x: alt.X, y: alt.Y) -> list[Any]:  # Any: charts
    """Samples of lines, each in its colour, dash and width."""
    if not len(frame):
        return []
    places = [str(place) for place in frame.index]
    dashes = [list(dash) or [1, 0] for dash in frame["dash"]]
    rule = alt.Chart(frame.drop(columns="dash").assign(place=places)).mark_rule()
    return [
        rule.encode(
            x,
            y,
            alt.Color("colour:N", scale=None, legend=None),
            alt.StrokeDash("place:N", legend=None).scale(domain=places, range=dashes),
            alt.Size("line:Q", scale=None, legend=None),  # of a rule, its width
            x2="end:Q",
        )
    ]


def _symbols(frame: pd.DataFrame, theme: Theme, x: alt.X, y: alt.Y) -> list[Any]:  # Any: charts
    """Samples of areas and points."""
    if not len(frame):
        return []
    side, stroke = theme.label_size * 0.8, theme.line * 0.7
    point = alt.Chart(frame.drop(columns="dash")).mark_point(
        size=(side - stroke) ** 2, strokeWidth=stroke, xOffset=side / 2
    )
    shape = alt.Shape("shape:N", scale=None, legend=None)
    colour = alt.Stroke("colour:N", scale=None, legend=None)
    return [point.encode(x, y, shape, colour, alt.Fill("fill:N", scale=None, legend=None))]


def _placed(entries: Sequence[Entry], theme: Theme, room: float) -> tuple[pd.DataFrame, int]:
    """Where each entry stands, in points, and the number of rows."""
    size = theme.label_size
    row, x, placed = 0, 0.0, []
    for entry in entries:
        if x and x + entry.width(size) > room:
            row, x = row + 1, 0.0
        sample = entry.sample(size)
        placed.append(
            {
                "name": entry.name,
                "row": row,
                "x": x,
                "end": x + sample - 0.4 * size,
                "text": x + sample,
                "weight": entry.weight,
                "colour": entry.colour,
                "dash": tuple(entry.dash),
                "line": entry.line,
                "shape": entry.shape,
                "fill": "white" if entry.hollow else entry.colour,
            }
        )
        x += entry.width(size) + 1.2 * size
    return pd.DataFrame(placed), row + 1
