"""The queries of a pipeline: every one exactly once, with its stamps and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlbench.analysis.arrays import (
    Integers,
    Mask,
    Rows,
    Tabular,
    chunks,
    column,
    distinct,
    lists,
    locate,
    members,
    nullable,
    selected,
    text,
)
from mlbench.analysis.critical import Paths, Steps, critical_paths, critical_walk
from mlbench.analysis.pieces import Pieces
from mlbench.analysis.record import Record
from mlbench.records import NULL, Outcome, Phase

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "OUTCOMES",
    "RUNNING",
    "Queries",
    "measured_queries",
    "queries_of",
    "walked_queries",
]

RUNNING = len(Outcome)
"""Stands beside the codes of `Outcome` for a query that has not ended, in a run that has not."""

OUTCOMES = (*(outcome.name.lower() for outcome in Outcome), "running")
"""Names of the codes in `Queries.outcome`."""


@dataclass(frozen=True)
class Errors:
    """What ended each query, by its row among the queries: text, or null.

    Parameters
    ----------
    completions
        The table that has it.
    rows
        The row in it of each query, or -1; null where it has the queries themselves.
    """

    completions: Tabular
    rows: Rows | None

    def __getitem__(self, query: int) -> str | None:
        row = query if self.rows is None else int(self.rows[query])
        return None if row < 0 else text(self.completions, "error", row)

    def to_arrow(self) -> pa.Array:
        """All of them, of completions that are a table of pyarrow."""
        import pyarrow as pa

        from mlbench.store.arrow import from_numpy

        error = self.completions["error"]
        if self.rows is not None:
            if error.null_count == len(error):
                return pa.nulls(self.rows.size, pa.utf8())
            error = error.take(from_numpy(self.rows, self.rows >= 0))
        return error.combine_chunks() if isinstance(error, pa.ChunkedArray) else error


@dataclass(frozen=True)
class Queries:
    """All queries of one pipeline but those of warm-up, arrays of shape (queries,).

    Parameters
    ----------
    query
        Indices, ascending.
    item
        Index of the first item.
    due, sent, received, started, done
        The five stamps, ns.
    outcome
        Codes into `OUTCOMES`.
    lateness_ns, queueing_ns, service_ns, latency_ns
        Latency is the sum of the other three, to the nanosecond. The last three are of
        queries that are done; queueing and service need the query's spans, too.
    measured
        Whether the query was due in the run's window; true of all where there is none.
    error
        What ended it.

    What is not known is `NULL`.
    """

    query: Integers
    item: Integers
    due: Integers
    sent: Integers
    received: Integers
    started: Integers
    done: Integers
    outcome: Integers
    lateness_ns: Integers
    queueing_ns: Integers
    service_ns: Integers
    latency_ns: Integers
    measured: Mask
    error: Errors

    def __len__(self) -> int:
        return int(self.query.size)

    def count(self, outcome: int) -> int:
        """How many of the measured queries ended so."""
        return int((self.measured & (self.outcome == outcome)).sum())

    def to_arrow(self) -> pa.Table:
        """One row a query: columns as above, int64 in ns with nulls, the outcome by name."""
        import pyarrow as pa

        outcome = pa.DictionaryArray.from_arrays(self.outcome.astype(np.int8), list(OUTCOMES))
        times = ("due", "sent", "received", "started", "done")
        parts = ("lateness_ns", "queueing_ns", "service_ns", "latency_ns")
        columns = {name: nullable(getattr(self, name)) for name in ("query", "item", *times)}
        columns["outcome"] = outcome
        columns |= {name: nullable(getattr(self, name)) for name in parts}
        return pa.table({**columns, "measured": self.measured, "error": self.error.to_arrow()})


@dataclass(frozen=True)
class Sources:
    """Where the columns of the queries come from: two tables, and a row in each or -1.

    The rows are null where the table has the queries themselves, each once and in order.
    """

    dispatch: Tabular
    completions: Tabular
    query: Integers
    sent_row: Rows | None
    done_row: Rows | None
    first_ready: Integers

    def dispatched(self, name: str) -> Integers:
        """A column of the dispatch, by query."""
        return _take(column(self.dispatch, name), self.sent_row)

    def completed(self, name: str) -> Integers:
        """A column of the completions, by query."""
        return _take(column(self.completions, name), self.done_row)

    def either(self, name: str) -> Integers:
        """A column that both have: the driver's where it wrote one, else the worker's."""
        driver = self.dispatched(name)
        missing = driver == NULL
        if not missing.any():
            return driver
        worker = self.completed(name)
        return worker if missing.all() else np.where(missing, worker, driver)


def queries_of(record: Record, name: str) -> Queries:
    """The queries of pipeline ``name``: what was dispatched, what completed, and both.

    A query that was dispatched and never answered is lost, or timed out where the run says
    so, or running while the pipeline is. A completion whose dispatch was not written down,
    because the driver died first, is kept. A closed load has no dispatch, so a query is
    kept, too, that only its first span or the list of those that timed out knows of.
    """
    sources = _sources(record, name)
    return _queries(record, name, sources, critical_paths(record.pieces(name), sources.query))


def measured_queries(record: Record, name: str) -> Integers:
    """The indices of those queries of a pipeline that were due in the run's window."""
    sources = _sources(record, name)
    due, sent = sources.either("due"), sources.either("sent")
    sent = np.where(sent == NULL, sources.first_ready, sent)
    return sources.query[_measured(record, np.where(due == NULL, sent, due))]


def walked_queries(record: Record, name: str) -> tuple[Queries, Sequence[Steps]]:
    """The queries of a pipeline, and the spans on their critical paths."""
    sources = _sources(record, name)
    paths, steps = critical_walk(record.pieces(name), sources.query)
    return _queries(record, name, sources, paths), steps


def _queries(record: Record, name: str, sources: Sources, paths: Paths) -> Queries:
    due, sent, done = sources.either("due"), sources.either("sent"), sources.completed("done")
    sent = np.where(sent == NULL, sources.first_ready, sent)
    outcome = _outcomes(record, name, sources)
    succeeded = outcome == Outcome.DONE
    # A path that is not the whole of the query, because its spans are still on their way.
    whole = succeeded & (paths.ready_ns == sent) & (paths.end_ns == done)
    return Queries(
        query=sources.query,
        item=sources.either("item"),
        due=due,
        sent=sent,
        received=sources.completed("received"),
        started=sources.completed("started"),
        done=done,
        outcome=outcome,
        lateness_ns=_difference(sent, due),
        queueing_ns=_where(whole, paths.queueing_ns),
        service_ns=_where(whole, paths.service_ns),
        latency_ns=_where(succeeded, _difference(done, due)),
        measured=_measured(record, np.where(due == NULL, sent, due)),
        error=Errors(sources.completions, sources.done_row),
    )


def _sources(record: Record, name: str) -> Sources:
    dispatch, completions = record.dispatched(name), record.completed(name)
    completions = selected(completions, column(completions, "phase") == Phase.LOAD)
    first, ready = _first_spans(record.pieces(name))
    ids = [column(dispatch, "query"), column(completions, "query"), first]
    query = _distinct([*ids, _timed_out(record, name)])
    query = query[query >= 0]
    sent_row, done_row, first_row = (_rows(keys, query) for keys in ids)
    record.release()
    return Sources(dispatch, completions, query, sent_row, done_row, _take(ready, first_row))


def _first_spans(spans: Pieces) -> tuple[Integers, Integers]:
    """Of each span that follows none its query, and when it was ready."""
    found = [(np.empty(0, dtype=np.int64),) * 2]
    for piece in spans:
        columns = chunks(piece, "query"), chunks(piece, "ready"), lists(piece, "parents")
        for whose, since, (offsets, _) in zip(*columns, strict=False):  # an empty one has no lists
            rows = np.flatnonzero(offsets[1:] == offsets[:-1])
            found.append((whose[rows], since[rows]))
    query, ready = (np.concatenate(each) for each in zip(*found, strict=True))
    return query, ready


def _distinct(parts: Sequence[Integers]) -> Integers:
    """All keys of the parts, ascending; mostly the parts say the same."""
    first, *others = sorted(parts, key=len, reverse=True)
    others = [part for part in others if part.size and not np.array_equal(part, first)]
    return distinct(np.concatenate([first, *others]) if others else first)


def _timed_out(record: Record, name: str) -> Integers:
    return np.asarray(record.pipeline(name).get("timed_out") or [], dtype=np.int64)


def _outcomes(record: Record, name: str, sources: Sources) -> Integers:
    outcome: Integers = sources.completed("outcome").copy()
    unanswered = outcome == NULL
    timed_out = members(_timed_out(record, name))(sources.query)
    outcome[(outcome < 0) | (outcome >= len(Outcome))] = Outcome.LOST  # nobody wrote such a code
    outcome[unanswered] = Outcome.LOST if record.ended(name) else RUNNING
    outcome[unanswered & timed_out] = Outcome.TIMED_OUT
    return outcome


def _measured(record: Record, due: Integers) -> Mask:
    window = record.manifest.get("window")
    if window is None:
        return np.ones(due.size, dtype=np.bool_)
    measured: Mask = (due >= window["begin_ns"]) & (due < window["end_ns"])
    return measured


def _rows(keys: Integers, query: Integers) -> Rows | None:
    return None if np.array_equal(keys, query) else locate(keys, query)


def _take(values: Integers, rows: Rows | None) -> Integers:
    if rows is None:
        return values.astype(np.int64, copy=False)
    if not values.size:
        return np.full(rows.size, NULL, dtype=np.int64)
    found = values.take(rows, mode="wrap").astype(np.int64, copy=False)  # -1: the last, for now
    missing = rows < 0
    if missing.any():
        found[missing] = NULL
    return found


def _difference(later: Integers, earlier: Integers) -> Integers:
    return _where((later != NULL) & (earlier != NULL), later - earlier)


def _where(known: Mask, values: Integers) -> Integers:
    """The values, `NULL` where they are not known."""
    return values if known.all() else np.where(known, values, NULL)
