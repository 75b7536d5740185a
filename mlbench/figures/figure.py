"""A figure: an Altair chart that saves itself for a venue, and says what it is made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from os import PathLike
from typing import Any, TypeAlias

import altair as alt

from mlbench.figures.saving import Saved, save
from mlbench.figures.venue import Theme, theme

__all__ = ["About", "Chart", "figure", "sentence"]

Chart: TypeAlias = (
    "alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart | alt.ConcatChart"
)
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
    """

    figure: str
    title: str
    caption: str
    runs: tuple[str, ...] = ()
    spec_hash: str = ""


def figure(draw: Draw, about: About, venue: str | float | Theme, columns: int) -> Chart:
    """The chart that ``draw`` makes for a venue, with its configuration and provenance.

    Its ``save`` is `mlbench.figures.save`. As long as nobody changes the chart, that can draw
    it anew for another venue, because sizes, labels and the number of panels depend on it.
    """
    chosen = theme(venue, columns)
    chart = draw(chosen)
    if chosen.on_screen:
        chart.title = alt.TitleParams(about.title, subtitle=_wrapped(about.caption, chosen))
    chart.config = chosen.config()  # set, not `properties`, which copies a chart to the last layer
    chart.usermeta = {"mlbench": asdict(about)}
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


def _wrapped(text: str, chosen: Theme) -> list[str]:
    """The text in lines that fit the figure."""
    from textwrap import wrap

    return wrap(text, int(chosen.width / (0.46 * chosen.label_size)))


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
