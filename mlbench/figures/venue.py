"""What a figure is drawn for: a venue's column, its text sizes and lines, in PDF points.

A pixel of Vega is a point of a PDF, 1/72 inch; LaTeX's pt is 1/72.27 inch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from mlbench.errors import FigureError, nearest
from mlbench.figures.font import FAMILY, STACK

__all__ = ["GRID", "INK", "SOFT", "VENUES", "WRONG", "Theme", "Venue", "theme"]

TEX_PT = 72 / 72.27
"""PDF points in one point of LaTeX."""

GOLDEN = 0.618


@dataclass(frozen=True)
class Theme:
    """Sizes of a figure, all in PDF points.

    Parameters
    ----------
    name
        The venue.
    width
        Of the whole figure, exact.
    title_size, label_size
        Of axis titles and names, and of tick labels and notes.
    line, hairline
        Widths of lines that carry data, and of axes, ticks and rules.
    font
        Family, or families in the order of preference.
    on_screen
        Whether it has a title of its own; in a paper the caption has it.
    """

    name: str
    width: float
    title_size: float = 8.0
    label_size: float = 7.0
    line: float = 1.0
    hairline: float = 0.5
    font: str = FAMILY
    on_screen: bool = False

    def lines(self, count: float) -> float:
        """The height of ``count`` lines of text."""
        return round(count * self.label_size * 1.25, 1)

    @cached_property
    def height(self) -> float:
        """The height of one plain panel: flatter than the golden section, which columns want."""
        return round(min(self.width, 60 * self.label_size) * GOLDEN * 0.72, 1)

    @property
    def is_wide(self) -> bool:
        """Whether panels go side by side."""
        return self.width > 48 * self.label_size

    @property
    def panel(self) -> float:
        """A guess at the width of one panel beside its labels; saving makes the whole exact."""
        return round(0.84 * self.width)

    def config(self) -> dict[str, Any]:  # Any: JSON
        """The Vega-Lite configuration."""
        return {
            "font": self.font,
            "background": "white",
            "padding": 1,
            "view": {"stroke": None, "continuousWidth": self.panel, "discreteWidth": self.panel},
            "axis": _axis(self),
            "axisX": {"grid": False},
            "axisY": {"domain": False, "ticks": False, "tickSize": 0},
            "header": self._words(self.title_size, labelPadding=3),
            "legend": self._words(self.label_size) | {"symbolStrokeWidth": self.line},
            "title": _title(self),
            "line": {"strokeWidth": self.line, "strokeCap": "butt", "strokeJoin": "round"},
            "rule": {"strokeWidth": self.hairline, "color": INK},
            "point": {"size": (3.2 * self.line) ** 2, "filled": True, "opacity": 1},
            "text": {"fontSize": self.label_size, "color": INK, "font": self.font},
            "bar": {"discreteBandSize": {"band": 0.7}},
        }

    def _words(self, size: float, **more: float) -> dict[str, Any]:  # Any: JSON
        kind = {"FontSize": size, "FontWeight": 400, "Color": INK}
        return {
            f"{part}{key}": value for part in ("label", "title") for key, value in kind.items()
        } | more


INK, SOFT, GRID, WRONG = "#1A1A1A", "#555555", "#DEDEDE", "#B00020"


def _axis(theme: Theme) -> dict[str, Any]:  # Any: JSON
    return {
        **theme._words(theme.title_size),
        "labelFontSize": theme.label_size,
        "labelColor": "#333333",
        "labelPadding": 2,
        "titlePadding": 4,
        "domainColor": INK,
        "domainWidth": theme.hairline,
        "tickColor": INK,
        "tickWidth": theme.hairline,
        "tickSize": round(theme.label_size * 0.4, 1),
        "tickRound": False,
        "translate": 0,
        "gridColor": GRID,
        "gridWidth": theme.hairline,
        "labelFlush": False,
        "labelOverlap": "greedy",
        "labelSeparation": 3,
        "labelLimit": 0,
        "titleLimit": 0,
    }


def _title(theme: Theme) -> dict[str, Any]:  # Any: JSON
    return {
        "fontSize": theme.title_size * 1.2,
        "fontWeight": 600,
        "color": INK,
        "anchor": "start",
        "frame": "group",
        "offset": theme.label_size * 0.6,
        "subtitleFontSize": theme.label_size,
        "subtitleColor": SOFT,
        "subtitlePadding": 3,
        "subtitleFontWeight": 400,
    }


@dataclass(frozen=True)
class Venue:
    """The widths of a venue: of a column, and of the whole text, in PDF points."""

    column: float
    text: float


VENUES = MappingProxyType(
    {
        "acmart": Venue(241.14749 * TEX_PT, 506.295 * TEX_PT),
        "ieeetran": Venue(252 * TEX_PT, 516 * TEX_PT),
        "screen": Venue(640, 960),
    }
)
"""acmart is its format sigconf; IEEEtran its conference and journal modes."""


def theme(venue: str | float | Theme = "screen", columns: int = 1) -> Theme:
    r"""The theme of a venue.

    Parameters
    ----------
    venue
        ``acmart`` (sigconf), ``ieeetran`` or ``screen``; or a width in points of LaTeX, which
        is what ``\the\columnwidth`` prints; or a theme, which comes back as it is.
    columns
        1 or 2: a column, or the width of the text.

    Raises
    ------
    FigureError
        If there is no such venue.

    Examples
    --------
    >>> round(theme("acmart").width, 2), round(theme("IEEEtran", columns=2).width, 2)
    (240.25, 514.07)
    >>> round(theme(397.48).width, 2)
    396.0
    """
    if isinstance(venue, Theme):
        return venue
    if columns not in (1, 2):
        raise FigureError(f"a figure is 1 or 2 columns wide, not {columns!r}")
    if isinstance(venue, int | float):
        return _of_width(float(venue) * columns)
    key = venue.casefold()
    if key not in VENUES:
        raise FigureError(f"there is no venue {venue!r} ({nearest(key, VENUES)}; or give a width)")
    found = Theme(key, VENUES[key].column if columns == 1 else VENUES[key].text)
    return _for_screen(found) if key == "screen" else found


def _of_width(tex_pt: float) -> Theme:
    if not 120 <= tex_pt <= 2000:
        raise FigureError(f"expected a width of 120 to 2000 pt, got {tex_pt:g}")
    return Theme(f"{tex_pt:g} pt", tex_pt * TEX_PT)


def _for_screen(found: Theme) -> Theme:
    return replace(
        found,
        title_size=12.0,
        label_size=11.0,
        line=1.6,
        hairline=0.8,
        font=STACK,
        on_screen=True,
    )
