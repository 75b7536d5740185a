"""Spans: queries on their way through the stages, in a stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from mlbench.analysis.queries import queries_of
from mlbench.analysis.record import Record
from mlbench.errors import FigureError
from mlbench.figures.blocks import Stretch, blocks_in, stretch_of
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import NEUTRAL, QUEUE, tints
from mlbench.figures.source import Source, source_of
from mlbench.figures.time_axis import SINCE
from mlbench.figures.units import time_unit
from mlbench.figures.validity import invalid
from mlbench.figures.venue import INK, Theme
from mlbench.figures.zoom import zoomed_together

__all__ = ["spans"]

FETCH = "data"


def spans(
    source: Any,  # Any: a run
    *,
    start_s: float | None = None,
    seconds: float | None = None,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """Queries through their stages, over time: when each was due, waited, and was served.

    Queries that overlap stand in rows of their own; a thin line is waiting, from the intended
    arrival on, and a block is a stage.

    Parameters
    ----------
    source
        A run.
    start_s, seconds
        The stretch, from the barrier. Default: around the query that took longest beside the
        median of its pipeline, as long as some 20 queries.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If no span was recorded in it.
    """
    found = source_of(source, "spans")
    if found.kind != "run":
        raise FigureError("spans draws one run: mlbench.open_run of a run inside of the study")
    record = found.observed[0].record
    queries = {name: queries_of(record, name) for name in record.names}
    stretch = stretch_of(record, queries, start_s, seconds)
    tables = {n: blocks_in(record, n, queries[n], stretch) for n in record.names}
    if not any(len(table) for table in tables.values()):
        raise FigureError(f"spans: {found.id} has no spans in that stretch: give start_s, seconds")
    why = ", around the slowest query" if start_s is None else ""
    about = About(
        "spans",
        "Queries through their stages",
        _caption(tables),
        (found.id,),
        found.spec_hash,
        invalid(source),
    )
    return figure(
        lambda theme: _draw(found, record, tables, stretch, why, theme), about, venue, columns
    )


def _caption(tables: dict[str, pd.DataFrame]) -> str:
    counts = [
        f"{name} n = {table['query'].nunique():,}{_left_out(table)}"
        for name, table in tables.items()
        if len(table)
    ]
    return (
        f"Queries in a stretch of the run; {sentence(counts, 6)}. Thin line: waiting, from the "
        "intended arrival; block: a stage; tick: intended arrival. Time counts from the barrier."
    )


def _left_out(table: pd.DataFrame) -> str:
    count = int(table.attrs.get("left_out", 0))
    return f" ({count:,} more not drawn)" if count else ""


# -- the picture -------------------------------------------------------------------------


def _draw(
    found: Source,
    record: Record,
    tables: dict[str, pd.DataFrame],
    stretch: Stretch,
    why: str,
    theme: Theme,
) -> Any:  # Any: a chart
    """The panels; ``why`` says in the title of their axis how the stretch was chosen."""
    barrier = record.manifest.get("barrier_ns") or 0
    unit = time_unit([stretch.end - barrier])
    domain = [(edge - barrier) / unit.size for edge in (stretch.begin, stretch.end)]
    drawn = [name for name in found.present() if len(tables[name])]
    panels: list[Any] = []
    keys: list[Any] = []
    for name in drawn:
        table = tables[name].copy()
        for edge in ("begin", "end"):
            table[edge] = (table[edge] - barrier) / unit.size
        colours = _colours(record, name, table, found.looks[name].colour)
        keys.append(_key(name, colours, table, theme))
        title = f"{unit.title(SINCE)}{why}" if name == drawn[-1] else None
        panels.append(_panel(table, colours, domain, title, theme))
    return zoomed_together(panels, keys, theme, theme.label_size * 0.2)


def _colours(record: Record, name: str, table: pd.DataFrame, colour: str) -> dict[str, str]:
    """The colour of each stage in the picture, the full one for that which takes longest."""
    spent = _spent(table)
    names = [s for s in record.pipeline(name)["stages"] if s in spent and s != FETCH]
    longest = sorted(names, key=lambda stage: -spent[stage])
    found = dict(zip(longest, tints(colour, len(names)), strict=True))
    return {FETCH: NEUTRAL, **{stage: found[stage] for stage in names}}


def _spent(table: pd.DataFrame) -> dict[str, float]:
    """Time in each stage."""
    served = table[table["stage"] != ""]
    sums = (served["end"] - served["begin"]).groupby(served["stage"]).sum()
    return {str(stage): float(time) for stage, time in sums.items()}


def _key(name: str, colours: dict[str, str], table: pd.DataFrame, theme: Theme) -> Any:
    """The pipeline's name and its stages. Any: a chart."""
    spent = _spent(table)
    least = 0.02 * sum(spent.values())
    shown = [s for s in colours if s != FETCH or spent.get(s, 0.0) > least]
    waits = [Entry("waiting", QUEUE, (), theme.line)]
    return key([Entry(name), *(Entry(s, colours[s]) for s in shown), *waits], theme)


def _panel(
    table: pd.DataFrame,
    colours: dict[str, str],
    domain: Sequence[float],
    title: str | None,
    theme: Theme,
) -> Any:  # Any: a chart
    """One pipeline; without a title its axis has no labels, because the one below has them."""
    last = title is not None
    rows = int(table["row"].max()) + 1
    axis = alt.Axis(title=title, labels=last, ticks=last, domain=last)
    x = alt.X("begin:Q", axis=axis).scale(domain=list(domain), nice=False)
    y = alt.Y("row:Q", axis=None).scale(domain=[rows - 0.5, -0.5], nice=False)
    step = max(theme.label_size * (1.1 if rows <= 12 else 0.7), 4.0)
    known = list(colours)
    waits = (
        alt.Chart(table[table["stage"] == ""])
        .mark_rule(strokeWidth=theme.line, color=QUEUE, clip=True)
        .encode(x, y, x2="end:Q")
    )
    blocks = (
        alt.Chart(table[table["stage"] != ""])
        .mark_bar(height=step * 0.72, clip=True)
        .encode(
            x,
            y,
            x2="end:Q",
            color=alt.Color("stage:N", legend=None).scale(
                domain=known, range=[colours[stage] for stage in known]
            ),
            tooltip=["query:Q", "stage:N", "begin:Q", "end:Q"],
        )
    )
    arrivals = (
        alt.Chart(table[(table["stage"] == "") & (table["begin"] > domain[0])])
        .mark_tick(
            orient="vertical", size=step * 0.9, thickness=theme.hairline, color=INK, clip=True
        )
        .encode(x, y)
    )
    return alt.layer(waits, blocks, arrivals).properties(height=rows * step)
