"""Scores: how good the results were that stages marked, beside how long they took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import Floats, Integers, column, distinct, locate
from mlbench.analysis.queries import RUNNING, Queries
from mlbench.analysis.record import Record
from mlbench.records import SCORE, Outcome
from mlbench.stats.wilson import wilson_interval

__all__ = ["Score", "scores", "unscored"]


@dataclass(frozen=True)
class Score:
    """The scores of one name, over measured queries that are done and have one.

    Parameters
    ----------
    mean
        Over queries.
    queries, items
        How many there are, and how many different items these sent.
    low, high
        The 95 % interval of the mean by Wilson, with the items as trials: a question that
        is asked twice says little new. Null where a score is neither 0 nor 1.
    """

    mean: float
    queries: int
    items: int
    low: float | None
    high: float | None


def scores(record: Record, name: str, queries: Queries) -> dict[str, Score]:
    """The scores of pipeline ``name`` by their name, in the order in which they came up.

    Where a query recorded one several times, as in a loop, its last counts.
    """
    names = record.pipeline(name).get("events") or ()
    codes = {code: each for code, each in enumerate(names) if each.startswith(SCORE)}
    if not codes:
        return {}
    done = queries.measured & (queries.outcome == Outcome.DONE)
    marks = _marks(record, name, list(codes), queries.query[done])
    items = queries.item[done]
    found = {each: _last_of_each(marks, code) for code, each in codes.items()}
    return {
        each.removeprefix(SCORE): _score(values, items[rows])
        for each, (rows, values) in found.items()
        if rows.size
    }


def unscored(queries: Queries) -> str | None:
    """What scores leave out: queries that ended without a result."""
    ended = queries.measured & (queries.outcome != RUNNING)
    without = int((ended & (queries.outcome != Outcome.DONE)).sum())
    return f"{without} of {int(ended.sum())} queries did not succeed" if without else None


@dataclass(frozen=True)
class Marks:
    """Events of queries in the order of time: codes of their names, rows of queries, values."""

    code: Integers
    row: Integers
    value: Floats


def _marks(record: Record, name: str, codes: list[int], query: Integers) -> Marks:
    """The events of these codes that belong to the given queries."""
    events, spans = record.happened(name), record.spanned(name)
    code, value = column(events, "name"), column(events, "value")
    kept = np.flatnonzero(np.isin(code, codes) & np.isfinite(value))
    span = locate(column(spans, "span"), column(events, "span")[kept])
    kept, span = kept[span >= 0], span[span >= 0]
    row = locate(query, column(spans, "query")[span])
    kept, row = kept[row >= 0], row[row >= 0]
    order = np.argsort(column(events, "t")[kept], kind="stable")
    return Marks(code[kept[order]], row[order].astype(np.int64), value[kept[order]])


def _last_of_each(marks: Marks, code: int) -> tuple[Integers, Floats]:
    """The rows of the queries that have a score of this code, and the last value of each."""
    mine = np.flatnonzero(marks.code == code)
    rows = marks.row[mine]
    last: dict[int, int] = dict(zip(rows.tolist(), mine.tolist(), strict=True))
    ordered = np.array(sorted(last), dtype=np.int64)
    return ordered, marks.value[[last[row] for row in ordered.tolist()]]


def _score(values: Floats, items: Integers) -> Score:
    mean, count = float(values.mean()), int(distinct(items).size)
    if not np.isin(values, (0.0, 1.0)).all():
        return Score(mean, int(values.size), count, None, None)
    interval = wilson_interval(mean, count)
    return Score(mean, int(values.size), count, interval.low, interval.high)
