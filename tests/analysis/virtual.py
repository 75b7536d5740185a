"""Runs in virtual time: the records that an engine would leave, computed and not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from mlbench.analysis.record import Record, empty
from mlbench.records import COMPLETIONS, DISPATCH, EVENTS, SPANS, Outcome, Phase, Table
from mlbench.spec import Benchmark

Integers = NDArray[np.int64]
MS = 1_000_000
SECOND = 1_000_000_000


def table_of(table: Table, rows: Mapping[str, Any]) -> pa.Table:
    """A table of the run directory from some of its columns; the others are null or zero."""
    count = len(rows["query"] if "query" in rows else rows["span"])
    columns = []
    for column, kind in zip(table.columns, empty(table).schema, strict=True):
        filler = [None] * count if column.nullable else [0] * count
        columns.append(pa.array(rows.get(column.name, filler), type=kind.type))
    return pa.Table.from_arrays(columns, schema=empty(table).schema)


def chunked(table: pa.Table, rows: int) -> pa.Table:
    """The same table in batches, as a stream is read."""
    return pa.Table.from_batches(table.to_batches(max_chunksize=rows), table.schema)


@dataclass(frozen=True)
class Traffic:
    """What one pipeline recorded: columns of its tables, and what the manifest says of it."""

    dispatch: Mapping[str, Any] = field(default_factory=lambda: {"query": []})
    completions: Mapping[str, Any] = field(default_factory=lambda: {"query": []})
    spans: Mapping[str, Any] = field(default_factory=lambda: {"query": []})
    events: Mapping[str, Any] = field(default_factory=lambda: {"span": []})
    event_names: tuple[str, ...] = ()
    kind: str = "open"
    begin_ns: int = 0
    end_ns: int | None = 0
    stages: tuple[str, ...] = ("step", "data")
    manifest: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)

    def says(self, **manifest: Any) -> Traffic:
        """The same with other words about it in the manifest."""
        return replace(self, manifest={**self.manifest, **manifest})


def record(
    pipelines: Mapping[str, Traffic],
    bench: Mapping[str, Any] | None = None,
    batch: int = 1000,
    **manifest: Any,
) -> Record:
    """A whole run of these pipelines, done unless the manifest says otherwise."""
    described = {name: _described(traffic) for name, traffic in pipelines.items()}
    whole = {"format": 1, "status": "done", "reasons": [], "barrier_ns": 0, "window": None}
    sent = [
        table_of(DISPATCH, {**t.dispatch, "pipeline": [code] * len(t.dispatch["query"])})
        for code, t in enumerate(pipelines.values())
    ]
    specs = {name: {**MINIMAL, **traffic.spec} for name, traffic in pipelines.items()}
    return Record(
        manifest={**whole, "pipelines": described, **manifest},
        bench=Benchmark.model_validate({"name": "made", **(bench or {}), "pipelines": specs}),
        dispatch=pa.concat_tables([empty(DISPATCH), *sent]),
        completions={n: table_of(COMPLETIONS, t.completions) for n, t in pipelines.items()},
        spans={n: chunked(table_of(SPANS, t.spans), batch) for n, t in pipelines.items()},
        events={n: table_of(EVENTS, t.events) for n, t in pipelines.items()},
    )


MINIMAL: dict[str, Any] = {
    "data": {"uses": "synthetic.items"},
    "stages": {"step": {"uses": "synthetic.noop"}},
}


def _described(traffic: Traffic) -> dict[str, Any]:
    load = {"kind": traffic.kind, "begin_ns": traffic.begin_ns, "end_ns": traffic.end_ns}
    names = {"stages": list(traffic.stages), "routes": [], "events": list(traffic.event_names)}
    return {"status": "done", "reason": None, **names, "load": load, **traffic.manifest}


def served(
    due: ArrayLike,
    service: ArrayLike,
    late: ArrayLike = 0,
    failed: Sequence[int] = (),
    end_ns: int | None = None,
) -> Traffic:
    """One server, first come first served, event by event: fetch (no time), then ``step``."""
    due_ns = np.asarray(due, dtype=np.int64)
    sent = due_ns + np.asarray(late, dtype=np.int64)
    times = np.broadcast_to(np.asarray(service, dtype=np.int64), due_ns.shape)
    starts, ends = [], []
    free = 0
    for arrival, time in zip(sent.tolist(), times.tolist(), strict=True):
        starts.append(max(arrival, free))
        free = starts[-1] + time
        ends.append(free)
    last = int(due_ns[-1]) + 1 if due_ns.size else 0
    made = _traffic(np.stack([due_ns, sent]), starts, ends, failed)
    return replace(made, end_ns=last if end_ns is None else end_ns)


def _traffic(
    arrivals: Integers, starts: list[int], ends: list[int], failed: Sequence[int]
) -> Traffic:
    (due, sent), count = arrivals, len(starts)
    query = list(range(count))
    outcome = [Outcome.FAILED if i in set(failed) else Outcome.DONE for i in query]
    stamps = {"query": query, "item": query, "due": due.tolist(), "sent": sent.tolist()}
    errors = ["it broke" if o == Outcome.FAILED else None for o in outcome]
    worker = {"received": starts, "started": starts, "done": ends, "phase": [Phase.LOAD] * count}
    spans = {
        "span": [i for q in query for i in (2 * q, 2 * q + 1)],
        "query": [q for q in query for _ in range(2)],
        "parents": [p for q in query for p in ([], [2 * q])],
        "stage": [1, 0] * count,
        "ready": [t for pair in zip(sent.tolist(), starts, strict=True) for t in pair],
        "start": [t for start in starts for t in (start, start)],
        "end": [t for pair in zip(starts, ends, strict=True) for t in pair],
        "outcome": [o for end in outcome for o in (Outcome.DONE, end)],
    }
    return Traffic(
        dispatch=stamps,
        completions={**stamps, **worker, "outcome": outcome, "error": errors},
        spans=spans,
    )


def poisson(random: np.random.Generator, rate: float, count: int) -> Integers:
    """Due times of independent users, ns."""
    return np.cumsum(random.exponential(SECOND / rate, count)).astype(np.int64)


def closed(service: Sequence[int]) -> Traffic:
    """One query in flight: each is due when the one before it is done."""
    ends = np.cumsum(np.asarray(service, dtype=np.int64))
    due = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    made = served(due, np.asarray(service), end_ns=int(ends[-1]) if len(ends) else 0)
    return replace(made, kind="closed", dispatch={"query": []})


def chained(due: ArrayLike, services: ArrayLike, end_ns: int | None = None) -> Traffic:
    """One server that takes each query through stages ``a``, ``b``, ... before the next one.

    Parameters
    ----------
    services
        ns, shape (queries, stages).
    """
    times = np.asarray(services, dtype=np.int64)
    count, stages = times.shape
    made = served(due, times.sum(axis=1), end_ns=end_ns)
    sent = np.asarray(made.completions["sent"], dtype=np.int64)
    begin = np.asarray(made.completions["started"], dtype=np.int64)
    edges = np.concatenate([begin[:, None], begin[:, None] + np.cumsum(times, axis=1)], axis=1)
    ids = np.arange(count * (stages + 1)).reshape(count, stages + 1)
    ready = np.concatenate([sent[:, None], edges[:, :-1]], axis=1)
    start = np.concatenate([begin[:, None], edges[:, :-1]], axis=1)
    end = np.concatenate([begin[:, None], edges[:, 1:]], axis=1)
    spans = {
        "span": ids.ravel().tolist(),
        "query": np.repeat(np.arange(count), stages + 1).tolist(),
        "parents": [[] if i % (stages + 1) == 0 else [i - 1] for i in ids.ravel().tolist()],
        "visit": [1] * ids.size,
        "stage": [stages, *range(stages)] * count,
        "ready": ready.ravel().tolist(),
        "start": start.ravel().tolist(),
        "end": end.ravel().tolist(),
        "outcome": [Outcome.DONE] * ids.size,
    }
    names = (*(chr(ord("a") + i) for i in range(stages)), "data")
    return replace(made, spans=spans, stages=names)
