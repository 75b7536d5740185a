"""A figure: an Altair chart that saves itself for a venue, and says what it is made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from os import PathLike
from textwrap import wrap
from typing import Any, TypeAlias

import altair as alt

from mlbench.figures.saving import Saved, save
from mlbench.figures.venue import INK, WRONG, Theme, theme

__all__ = ["About", "Chart", "figure", "sentence"]

Chart: TypeAlias = (
    "alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart | alt.ConcatChart"
)
MARK_LINES = 2
"""Of the mark in a picture; the caption has all of it."""

Draw = Callable[[Theme], Any]
"""Draws a chart for a theme; Any: one of Altair's kinds of chart."""


@dataclass(frozen=True)
class About:
    """What a figure shows, for its caption and its sidecar.

    Parameters
    ----------
    figure
        The name of its function.
    title
        A few words.
    caption
        What is drawn, how many of it, and by which convention.
    runs
        Ids of the runs and studies that it is made from.
    spec_hash
        Of the benchmark; empty for a table.
    invalid
        A sentence where something that it is made from is INVALID: it ends the caption, stands
        in the picture, and is a finding of preflight.
    findings
        What else preflight warns of.
    relaxed
        A sentence where limits were relaxed for it to be VALID: the caption has it.
    """

    figure: str
    title: str
    caption: str
    runs: tuple[str, ...] = ()
    spec_hash: str = ""
    invalid: str = ""
    findings: tuple[str, ...] = ()
    relaxed: str = ""


def figure(draw: Draw, about: About, venue: str | float | Theme, columns: int) -> Chart:
    """The chart that ``draw`` makes for a venue, with its configuration and provenance.

    Its ``save`` is `mlbench.figures.save`. As long as nobody changes the chart, that can draw
    it anew for another venue, because sizes, labels and the number of panels depend on it.
    """
    chosen = theme(venue, columns)
    parts = (about.caption, about.relaxed, about.invalid)
    told = replace(about, caption=" ".join(part for part in parts if part))
    chart = draw(chosen)
    if chosen.on_screen:
        chart.title = _title(told, chosen)
    elif told.invalid:
        chart.title = _mark(told.invalid, chosen)
    chart.config = chosen.config()  # set, not `properties`, which copies a chart to the last layer
    chart.usermeta = {"mlbench": asdict(told)}
    # Altair's operations copy a chart with its class, so the class has to bring `save` along;
    # what only the instance has is lost in a copy, and so it should be: it was changed.
    object.__setattr__(chart, "__class__", _saving(type(chart)))  # type: ignore[arg-type]  # hashable
    object.__setattr__(chart, "_redraw", lambda new: figure(draw, about, new, columns))
    object.__setattr__(chart, "_theme", chosen)
    made: Chart = chart
    return made


@cache
def _saving(base: type) -> type:
    """Altair's class with mlbench's ``save`` and its picture for notebooks."""
    own = {"save": _save, "_repr_mimebundle_": _shown, "__doc__": base.__doc__}
    return type(base.__name__, (base,), own)


def _shown(self: Any, *_: Any, **__: Any) -> Any:  # Any: a chart, and what Jupyter gives and takes
    """What a notebook shows: Altair's own output loads its scripts from the net.

    This is there offline, in a notebook that is not trusted, and on a page that shows one.
    """
    from mlbench.figures.saving import shown

    return shown(self)


def _save(
    self: Any,  # Any: a chart
    path: str | PathLike[str],
    venue: str | float | Theme | None = None,
    columns: int = 1,
    **options: Any,  # Any: those of `mlbench.figures.save`, or of Altair's own
) -> Saved:
    """`mlbench.figures.save` of this chart."""
    return save(self, path, venue, columns, **options)


def _title(about: About, chosen: Theme) -> alt.TitleParams:
    """What stands above a figure on a screen: its title, and its caption."""
    title = f"{about.title}: INVALID" if about.invalid else about.title
    lines = wrap(about.caption, int(chosen.width / (0.46 * chosen.label_size)))
    colour = WRONG if about.invalid else INK
    return alt.TitleParams(title, subtitle=lines, color=colour, frame="bounds")


def _mark(invalid: str, chosen: Theme) -> alt.TitleParams:
    """What stands above a figure in a paper that should not be there: the picture says so."""
    said = invalid.partition(" is INVALID: ")
    text = f"INVALID: {said[2]}" if said[2] else invalid
    columns = int(chosen.width / (0.5 * chosen.label_size))
    lines = wrap(text, columns, max_lines=MARK_LINES, placeholder=" …")
    return alt.TitleParams(
        lines, color=WRONG, fontSize=chosen.label_size, frame="bounds", offset=chosen.label_size / 2
    )


def sentence(names: Sequence[str], limit: int = 4) -> str:
    """Names in a sentence.

    Examples
    --------
    >>> sentence(["a", "b", "c"]), sentence([str(i) for i in range(9)])
    ('a, b and c', '0, 1, 2, 3 and 5 more')
    """
    shown = list(names[:limit])
    if len(names) > limit:
        return f"{', '.join(shown)} and {len(names) - limit} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
