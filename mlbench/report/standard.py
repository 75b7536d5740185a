"""The standard set of figures: what a run or a study is looked at with first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlbench import figures
from mlbench.errors import FigureError
from mlbench.figures.venue import Theme
from mlbench.run import Run

if TYPE_CHECKING:
    from mlbench.study.study import Study

__all__ = ["Drawn", "standard_figures"]

LESS_DEMANDING: dict[str, tuple[dict[str, str], ...]] = {
    "tradeoff": ({"metric": "latency_p90"}, {"metric": "latency_p50"}),
    "load": ({"quantile": "p90"}, {"quantile": "p50"}),
}
"""What is tried where there are too few queries for a p99."""

OF_RUN = ("graph", "latency", "breakdown", "spans", "timeline", "load")
OF_STUDY = {
    "group": ("graph", "slowdown", "latency", "breakdown", "tradeoff"),
    "aa": ("graph", "slowdown", "latency", "breakdown"),
    "pairs": ("graph", "matrix", "slowdown", "tradeoff"),
    "against": ("graph", "sensitivity", "slowdown"),
}


@dataclass(frozen=True)
class Drawn:
    """One figure of the set.

    Parameters
    ----------
    chart
        Null where there is none, for which ``reason`` says why.
    """

    name: str
    chart: Any  # Any: a chart of Altair's
    reason: str = ""


def standard_figures(
    source: Run | Study, venue: str | float | Theme = "screen", columns: int = 1
) -> Iterator[Drawn]:
    """The figures of the set, one after the other; what cannot be drawn says why.

    Parameters
    ----------
    source
        A run or a study.
    venue, columns
        As `mlbench.figures.theme` has them.
    """
    for name in _names(source):
        yield _drawn(name, source, venue, columns)


def _drawn(name: str, source: Run | Study, venue: str | float | Theme, columns: int) -> Drawn:
    draw: Callable[..., Any] = getattr(figures, name)
    reason = ""
    for options in ({}, *LESS_DEMANDING.get(name, ())):
        try:
            return Drawn(name, draw(source, venue=venue, columns=columns, **options))
        except FigureError as error:
            reason = reason or str(error)
    return Drawn(name, None, reason)


def _names(source: Run | Study) -> tuple[str, ...]:
    if isinstance(source, Run):
        return OF_RUN
    return OF_STUDY[source.manifest.design.kind]
