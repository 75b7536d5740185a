"""Tokens: when the first one of an answer came, and how long each further one took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import (
    Floats,
    Integers,
    Mask,
    Rows,
    Tabular,
    column,
    distinct,
    greatest,
    locate,
    members,
    selected,
)
from mlbench.analysis.latency import Distribution, distribution_ms
from mlbench.analysis.periods import measured_period
from mlbench.analysis.queries import RUNNING, Queries
from mlbench.analysis.record import Record
from mlbench.records import FIRST_TOKEN, NULL, TOKEN, Outcome

__all__ = ["TOKENS", "TokenTimes", "Tokens", "token_times", "token_values", "tokens_of"]

TOKENS = (FIRST_TOKEN, TOKEN)
"""The names of the events that stages give when they have made a token."""


@dataclass(frozen=True)
class Tokens:
    """When the answers of queries came, arrays of shape (queries,); `NULL` without a token.

    Parameters
    ----------
    start
        When the span began that made the answer, ns.
    first, last
        Its first and its last token, ns.
    count
        In how many steps they came: one token each, or one for every answer of a batch.
    """

    start: Integers
    first: Integers
    last: Integers
    count: Integers


@dataclass(frozen=True)
class TokenTimes:
    """What a pipeline's tokens say of it.

    Parameters
    ----------
    count
        Tokens made in the measured period for queries that are done, by all stages.
    rate
        The same by the second; null where no load was measured.
    distributions
        ``ttft_ms`` from a query's due to the first token of its answer, ``stage_ttft_ms``
        to the same from the start of the span that made it, ``tpot_ms`` the time for each
        further token, (last - first) / (count - 1), as MLPerf and vLLM have it. Of measured
        queries; infinite for one that failed. A query that made no token is left out, and
        of ``tpot_ms`` one that made a single one.
    """

    count: int
    rate: float | None
    distributions: Mapping[str, Distribution]


@dataclass(frozen=True)
class Spans:
    """The spans that made tokens, arrays of shape (spans,): rows of the table, and moments."""

    row: Rows
    first: Integers
    last: Integers
    count: Integers


def token_times(record: Record, name: str, queries: Queries) -> TokenTimes | None:
    """What the tokens of pipeline ``name`` say; null where no stage recorded one."""
    events = _token_events(record, name)
    if not events.num_rows:
        return None
    times = token_values(record, name, queries)
    count, period = _made(record, name, queries, events), measured_period(record, name)
    rate = count / period.seconds if period else None
    return TokenTimes(count, rate, {key: distribution_ms(each) for key, each in times.items()})


def token_values(record: Record, name: str, queries: Queries) -> dict[str, Floats]:
    """The times behind `TokenTimes.distributions`, in ns, infinite for queries that failed."""
    tokens = tokens_of(record, name, queries)
    failed = queries.outcome != Outcome.DONE
    ended = queries.measured & (queries.outcome != RUNNING)
    some, several = tokens.count > 0, tokens.count > 1
    further = (tokens.last - tokens.first) / np.maximum(tokens.count - 1, 1)
    return {
        "ttft_ms": _times(tokens.first - queries.due, ended, failed, some),
        "stage_ttft_ms": _times(tokens.first - tokens.start, ended, failed, some),
        "tpot_ms": _times(further, ended, failed, several),
    }


def tokens_of(record: Record, name: str, queries: Queries) -> Tokens:
    """The tokens of each query's answer: those of the span that began last among those with any.

    A pipeline may ask its model several times in a query, as to grade what it found; what
    its user waits for is the last answer.
    """
    spans = record.spanned(name)
    made = _of_batches(spans, _by_span(spans, _token_events(record, name)))
    query = locate(queries.query, column(spans, "query")[made.row])
    kept = np.flatnonzero(query >= 0)
    starts = column(spans, "start")[made.row]
    for order in (starts, column(spans, "span")[made.row]):
        kept = greatest(order, query, kept, len(queries))
    start, first, last, count = (
        _spread(values[kept], query[kept], len(queries), filler)
        for values, filler in zip(
            (starts, made.first, made.last, made.count), (NULL, NULL, NULL, 0), strict=True
        )
    )
    return Tokens(start, first, last, count)


def _by_span(spans: Tabular, events: Tabular) -> Spans:
    """First, last and number of the moments of each span."""
    row = locate(column(spans, "span"), column(events, "span"))
    time, row = column(events, "t")[row >= 0], row[row >= 0]
    rows = distinct(row)
    group = np.searchsorted(rows, row)
    first = np.full(rows.size, np.iinfo(np.int64).max, dtype=np.int64)
    last = np.full(rows.size, NULL, dtype=np.int64)
    np.minimum.at(first, group, time)
    np.maximum.at(last, group, time)
    return Spans(rows, first, last, np.bincount(group, minlength=rows.size))


def _of_batches(spans: Tabular, made: Spans) -> Spans:
    """The same with the other spans of a dynamic batch: its events stand with the first."""
    batch = column(spans, "batch")
    leaders = np.flatnonzero(batch[made.row] != NULL)
    if not leaders.size:
        return made
    source = np.full(spans.num_rows, -1, dtype=np.int64)
    batched = np.flatnonzero(batch != NULL)
    found = locate(batch[made.row[leaders]], batch[batched])
    source[batched[found >= 0]] = leaders[found[found >= 0]]
    source[made.row] = np.arange(made.row.size)
    rows = np.flatnonzero(source >= 0)
    moments = (values[source[rows]] for values in (made.first, made.last, made.count))
    return Spans(rows, *moments)


def _spread(values: Integers, query: Rows, queries: int, filler: int) -> Integers:
    found = np.full(queries, filler, dtype=np.int64)
    found[query] = values
    return found


def _times(values: Integers | Floats, ended: Mask, failed: Mask, known: Mask) -> Floats:
    """The times of queries that have ended, infinite for failures."""
    chosen = ended & (failed | known)
    times: Floats = values[chosen].astype(np.float64)
    times[failed[chosen]] = np.inf
    return times


def _made(record: Record, name: str, queries: Queries, events: Tabular) -> int:
    """Tokens of queries that are done, as far as they came in the measured period."""
    period, spans = measured_period(record, name), record.spanned(name)
    if period is None:
        return 0
    row, time = locate(column(spans, "span"), column(events, "span")), column(events, "t")
    kept = np.flatnonzero((row >= 0) & (time > period.begin_ns) & (time <= period.end_ns))
    done = queries.query[queries.outcome == Outcome.DONE]
    kept = kept[locate(done, column(spans, "query")[row[kept]]) >= 0]
    return int(np.nansum(column(events, "value")[kept]))


def _token_events(record: Record, name: str) -> Tabular:
    names = record.pipeline(name).get("events") or ()
    codes = [code for code, event in enumerate(names) if event in TOKENS]
    events = record.happened(name)
    return selected(events, members(np.array(codes, dtype=np.int64))(column(events, "name")))
