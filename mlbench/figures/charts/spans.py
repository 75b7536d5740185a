"""Spans: queries on their way through the stages, in a stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.analysis.arrays import Integers, column, locate
from mlbench.analysis.queries import Queries, queries_of
from mlbench.analysis.record import Record
from mlbench.errors import FigureError
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import NEUTRAL, QUEUE, tints
from mlbench.figures.source import Source, source_of
from mlbench.figures.units import Unit, time_unit
from mlbench.figures.venue import INK, Theme
from mlbench.figures.zoom import zoomed_together
from mlbench.records import NULL

__all__ = ["spans"]

ROWS = 24
"""Rows of one pipeline at most: queries that overlap need one each."""

SPANS = 1500
"""Spans of one pipeline at most."""

FETCH = "data"


@dataclass(frozen=True)
class Stretch:
    """A part of a run, ns."""

    begin: int
    end: int


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
    stretch = _stretch(record, queries, start_s, seconds)
    tables = {n: _blocks(record, n, queries[n], stretch) for n in record.names}
    if not any(len(table) for table in tables.values()):
        raise FigureError(f"spans: {found.id} has no spans in that stretch: give start_s, seconds")
    about = About(
        "spans",
        "Queries through their stages",
        _caption(tables),
        (found.id,),
        found.spec_hash,
    )
    return figure(lambda theme: _draw(found, record, tables, stretch, theme), about, venue, columns)


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


# -- which part of the run ---------------------------------------------------------------


def _stretch(
    record: Record, queries: dict[str, Queries], start_s: float | None, seconds: float | None
) -> Stretch:
    barrier = record.manifest.get("barrier_ns") or 0
    worst = _worst(queries)
    length = round(seconds * 1e9) if seconds else _length(queries, worst)
    if start_s is not None:
        begin = barrier + round(start_s * 1e9)
    elif worst is None:
        begin = barrier
    else:
        begin = max(barrier, (worst.begin + worst.end - length) // 2)
    return Stretch(begin, begin + length)


def _worst(queries: dict[str, Queries]) -> Stretch | None:
    """The query with the greatest latency over the median of its pipeline."""
    best: tuple[float, Stretch] | None = None
    for each in queries.values():
        known = np.flatnonzero(each.measured & (each.latency_ns != NULL))
        if not known.size:
            continue
        times = each.latency_ns[known]
        row = known[int(times.argmax())]
        ratio = float(times.max() / max(np.median(times), 1))
        if best is None or ratio > best[0]:
            best = ratio, Stretch(int(each.due[row]), int(each.done[row]))
    return best[1] if best else None


def _length(queries: dict[str, Queries], worst: Stretch | None) -> int:
    """Enough for the worst query, or for 20 of the busiest pipeline."""
    gaps = []
    for each in queries.values():
        due = np.sort(each.due[each.due != NULL])
        if due.size > 1:
            gaps.append(float(due[-1] - due[0]) / (due.size - 1))
    least = 1.15 * (worst.end - worst.begin) if worst else 1_000_000_000
    return round(max(least, 20 * min(gaps, default=0.0)))


# -- the table ---------------------------------------------------------------------------


def _blocks(record: Record, name: str, queries: Queries, stretch: Stretch) -> pd.DataFrame:
    """Spans and waits in the stretch: ``query``, ``row``, ``begin``, ``end``, ``stage``."""
    chosen, rows, left_out = _rows(queries, stretch)
    names = record.pipeline(name)["stages"]
    table = record.spanned(name)
    owner = locate(queries.query[chosen], column(table, "query"))
    inside = np.flatnonzero(owner >= 0)[:SPANS]
    stage = column(table, "stage")[inside]
    parts = pd.DataFrame(
        {
            "query": column(table, "query")[inside],
            "row": rows[owner[inside]],
            "begin": column(table, "start")[inside],
            "end": column(table, "end")[inside],
            "stage": [names[code] if 0 <= code < len(names) else "?" for code in stage],
        }
    )
    waits = pd.DataFrame(
        {
            "query": queries.query[chosen],
            "row": rows,
            "begin": _first_known(queries.due, queries.sent, chosen),
            "end": _ends(queries, chosen, stretch),
            "stage": "",
        }
    )
    every = pd.concat([waits, parts], ignore_index=True)
    seen = (every["end"] > stretch.begin) & (every["begin"] < stretch.end)
    both: pd.DataFrame = every[seen].copy()
    both["begin"] = both["begin"].clip(lower=stretch.begin)
    both["end"] = both["end"].clip(upper=stretch.end)
    both.attrs["left_out"] = left_out
    return both


def _first_known(due: Integers, sent: Integers, rows: Integers) -> Integers:
    return np.where(due[rows] == NULL, sent[rows], due[rows])


def _ends(queries: Queries, rows: Integers, stretch: Stretch) -> Integers:
    """When each ended; of those that never did, the end of the picture."""
    return np.where(queries.done[rows] == NULL, stretch.end, queries.done[rows])


def _rows(queries: Queries, stretch: Stretch) -> tuple[Integers, Integers, int]:
    """The queries in the stretch, the row of each, and how many found none free."""
    every = np.arange(len(queries))
    begin = _first_known(queries.due, queries.sent, every)
    end = _ends(queries, every, stretch)
    inside = np.flatnonzero((begin < stretch.end) & (end > stretch.begin))
    inside = inside[np.argsort(begin[inside], kind="stable")]
    free: list[int] = []
    chosen, rows = [], []
    for query in inside:
        row = next((row for row, until in enumerate(free) if until <= begin[query]), len(free))
        if row == ROWS:
            continue
        free[row : row + 1] = [int(end[query])]
        chosen.append(query)
        rows.append(row)
    left_out = len(inside) - len(chosen)
    return np.asarray(chosen, dtype=np.int64), np.asarray(rows, dtype=np.int64), left_out


# -- the picture -------------------------------------------------------------------------


def _draw(
    found: Source, record: Record, tables: dict[str, pd.DataFrame], stretch: Stretch, theme: Theme
) -> Any:  # Any: a chart
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
        panels.append(_panel(table, colours, domain, unit, theme, last=name == drawn[-1]))
    stacked = zoomed_together(panels, keys, theme, theme.label_size * 0.2)
    return stacked.resolve_scale(color="independent")


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
    unit: Unit,
    theme: Theme,
    last: bool,
) -> Any:  # Any: a chart
    rows = int(table["row"].max()) + 1
    axis = alt.Axis(
        title=unit.title("time") if last else None, labels=last, ticks=last, domain=last
    )
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
