"""Values that stages recorded as events, such as a loss: how they began, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import Floats, Integers, column, locate
from mlbench.analysis.queries import Queries
from mlbench.analysis.record import Record
from mlbench.analysis.tokens import TOKENS
from mlbench.records import SCORE

__all__ = ["EventValues", "event_values"]


@dataclass(frozen=True)
class EventValues:
    """The events of one name, in measured queries.

    Parameters
    ----------
    count
        How many there are; those without a value are not among them.
    mean, first_quarter, last_quarter
        Means of all values, and of the first and the last quarter of them in time. The
        quarters are null where there are fewer than four.
    """

    count: int
    mean: float
    first_quarter: float | None
    last_quarter: float | None


def event_values(record: Record, name: str, queries: Queries) -> dict[str, EventValues]:
    """The values of the events of pipeline ``name``, by their name; without tokens and scores."""
    names = record.pipeline(name).get("events") or ()
    events, spans = record.happened(name), record.spanned(name)
    if not len(events):
        return {}
    row = locate(column(spans, "span"), column(events, "span"))
    value = column(events, "value")
    kept = np.flatnonzero((row >= 0) & np.isfinite(value))
    measured = queries.query[queries.measured]
    kept = kept[locate(measured, column(spans, "query")[row[kept]]) >= 0]
    code, time, value = column(events, "name")[kept], column(events, "t")[kept], value[kept]
    return {
        event: _summed_up(value[code == number], time[code == number])
        for number, event in enumerate(names)
        if not (event in TOKENS or event.startswith(SCORE)) and (code == number).any()
    }


def _summed_up(values: Floats, times: Integers) -> EventValues:
    ordered = values[np.argsort(times, kind="stable")]
    quarter = ordered.size // 4
    ends = (ordered[:quarter], ordered[-quarter:]) if quarter else ()
    first, last = (float(end.mean()) for end in ends) if ends else (None, None)
    return EventValues(int(ordered.size), float(ordered.mean()), first, last)
