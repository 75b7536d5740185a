"""Queries and their spans in a stretch of a run, in rows, ready to be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlbench.analysis.arrays import Integers, column, locate
from mlbench.analysis.queries import Queries
from mlbench.analysis.record import Record
from mlbench.records import NULL

__all__ = ["Stretch", "blocks_in", "stretch_of"]

ROWS = 24
"""Rows of one pipeline at most: queries that overlap need one each."""

SPANS = 1500
"""Spans of one pipeline at most."""


@dataclass(frozen=True)
class Stretch:
    """A part of a run, ns."""

    begin: int
    end: int


# -- which part of the run ---------------------------------------------------------------


def stretch_of(
    record: Record, queries: dict[str, Queries], start_s: float | None, seconds: float | None
) -> Stretch:
    """A stretch from the barrier; by default around the query that took longest."""
    barrier = record.manifest.get("barrier_ns") or 0
    worst = _worst(queries)
    length = round(seconds * 1e9) if seconds else _length(queries, worst)
    if start_s is not None:
        begin = barrier + round(start_s * 1e9)
    elif worst is None:
        begin = barrier
    else:
        begin = max(barrier, min((worst.begin + worst.end - length) // 2, _last(queries) - length))
    return Stretch(begin, begin + length)


def _last(queries: dict[str, Queries]) -> int:
    """When the last query ended."""
    return max(int(each.done[each.done != NULL].max(initial=0)) for each in queries.values())


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
    """Enough for the worst query, or for 20 of the busiest pipeline; no longer than the load."""
    gaps, ends, begins = [], [], []
    for each in queries.values():
        due = np.sort(each.due[each.due != NULL])
        if due.size > 1:
            gaps.append(float(due[-1] - due[0]) / (due.size - 1))
            begins.append(int(due[0]))
            ends.append(int(max(due[-1], each.done[each.done != NULL].max(initial=0))))
    least = 1.15 * (worst.end - worst.begin) if worst else 1_000_000_000
    whole = max(ends, default=0) - min(begins, default=0)
    return round(max(least, min(20 * min(gaps, default=0.0), whole)))


# -- the table ---------------------------------------------------------------------------


def blocks_in(record: Record, name: str, queries: Queries, stretch: Stretch) -> pd.DataFrame:
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
