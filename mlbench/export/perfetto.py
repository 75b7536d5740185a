"""A run as a trace for Perfetto and chrome://tracing.

The format is that of the Trace Event Format (Google, 2016): spans are complete events, a
query is an asynchronous one from its intended arrival to its end, edges of the graph are
flows, and samples are counters. Times are microseconds from the run's first instant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import column
from mlbench.analysis.queries import OUTCOMES, queries_of
from mlbench.analysis.record import Record
from mlbench.errors import FigureError, OutputError
from mlbench.records import NULL, Outcome
from mlbench.run import Run

if TYPE_CHECKING:
    from mlbench.study.study import Study

__all__ = ["events_of", "write_perfetto"]

Event = dict[str, Any]
"""One event of the trace; Any: JSON."""

MACHINE = 1
"""The process of the trace that has phases and counters; pipelines follow it."""


def write_perfetto(source: Run | Study, directory: Path) -> list[Path]:
    """Write ``trace.json``, event by event.

    Raises
    ------
    OutputError
        If it is a study: a trace is of one run.
    """
    if not isinstance(source, Run):
        raise OutputError(
            f"a trace is of one run, and {source.id} is a study: export one of its runs, such as "
            f"{_first_run(source)}"
        )
    path = directory / "trace.json"
    with path.open("w", encoding="utf-8") as file:
        file.write('{"displayTimeUnit": "ms", "traceEvents": [\n')
        separator = ""
        for event in events_of(source):
            file.write(separator + json.dumps(event, ensure_ascii=False, allow_nan=False))
            separator = ",\n"
        file.write("\n]}\n")
    return [path]


def _first_run(study: Study) -> str:
    directories = list(study.runs()["directory"])
    return str(study.path / directories[0]) if directories else "blocks/000/..."


def events_of(run: Run) -> Iterator[Event]:
    """The events of a run."""
    record = run.record()
    origin = _origin(record)
    yield _named(MACHINE, "machine")
    yield from _phases(record, origin)
    yield from _counters(run, origin)
    for number, name in enumerate(record.names, start=MACHINE + 1):
        yield _named(number, name)
        yield from _queries(record, name, number, origin)
        yield from _spans(record, name, number, origin)


def _origin(record: Record) -> int:
    phases = record.manifest.get("phases") or []
    return int(phases[0]["start_ns"]) if phases else 0


def _named(process: int, name: str, thread: int | None = None) -> Event:
    kind = "process_name" if thread is None else "thread_name"
    return {"ph": "M", "pid": process, "tid": thread or 0, "name": kind, "args": {"name": name}}


def _phases(record: Record, origin: int) -> Iterator[Event]:
    yield _named(MACHINE, "phases", 1)
    for phase in record.manifest.get("phases") or []:
        end = phase["end_ns"] or max(record.latest_ns, phase["start_ns"])
        yield {
            "ph": "X",
            "pid": MACHINE,
            "tid": 1,
            "name": phase["name"],
            "ts": _us(phase["start_ns"] - origin),
            "dur": _us(end - phase["start_ns"]),
        }


def _us(ns: int) -> float:
    return round(int(ns) / 1000, 3)


# -- queries and spans -------------------------------------------------------------------


def _queries(record: Record, name: str, process: int, origin: int) -> Iterator[Event]:
    """An asynchronous event a query, with its parts of latency."""
    found = queries_of(record, name)
    for row in range(len(found)):
        due, done = int(found.due[row]), int(found.done[row])
        if NULL in (due, done):
            continue
        query = int(found.query[row])
        base = {"cat": name, "id": query, "pid": process, "name": f"query {query}"}
        parts = {
            key: _us(value)
            for key in ("lateness_ns", "queueing_ns", "service_ns", "latency_ns")
            if (value := int(getattr(found, key)[row])) != NULL
        }
        told = {key.replace("_ns", "_us"): value for key, value in parts.items()}
        told["outcome"] = OUTCOMES[int(found.outcome[row])]  # type: ignore[assignment]  # a word
        yield {**base, "ph": "b", "ts": _us(due - origin), "args": told}
        yield {**base, "ph": "e", "ts": _us(done - origin)}


def _spans(record: Record, name: str, process: int, origin: int) -> Iterator[Event]:
    """Complete events, each with flows to it from those that it follows."""
    table, stages = record.spanned(name), list(record.pipeline(name)["stages"])
    threads = _threads(table, stages)
    for (stage, worker), thread in threads.items():
        yield _named(process, f"{stage} #{worker}" if worker else stage, thread)
    columns = {key: column(table, key).tolist() for key in SPAN_COLUMNS}
    names = [_stage_name(stages, code) for code in columns["stage"]]
    lanes = [threads[pair] for pair in zip(names, columns["worker"], strict=True)]
    rows = {span: row for row, span in enumerate(columns["span"])}
    parents, flows = table["parents"].to_pylist(), 0
    for row in range(table.num_rows):
        span = {key: values[row] for key, values in columns.items()}
        place = {"pid": process, "tid": lanes[row], "name": names[row]}
        yield {**place, **_span(span, origin)}
        for before in (rows[parent] for parent in parents[row] or [] if parent in rows):
            flows += 1
            begin = columns["start"][before], columns["end"][before]
            flow = {"cat": name, "name": "next", "id": flows, "pid": process}
            at = _us(max(begin[0], begin[1] - 1) - origin)  # a flow starts inside of its span
            yield {**flow, "ph": "s", "tid": lanes[before], "ts": at}
            yield {
                **flow,
                "ph": "f",
                "bp": "e",
                "tid": lanes[row],
                "ts": _us(span["start"] - origin),
            }


SPAN_COLUMNS = ("span", "query", "stage", "worker", "ready", "start", "end", "outcome")


def _span(span: Mapping[str, int], origin: int) -> Event:
    return {
        "ph": "X",
        "cat": "span",
        "ts": _us(span["start"] - origin),
        "dur": _us(span["end"] - span["start"]),
        "args": {
            "query": span["query"],
            "waited_us": _us(span["start"] - span["ready"]),
            "outcome": OUTCOMES[min(span["outcome"], Outcome.LOST)],
        },
    }


def _threads(table: pa.Table, stages: Sequence[str]) -> dict[tuple[str, int], int]:
    """A thread of the trace for each worker of each stage."""
    pairs = np.stack([column(table, "stage"), column(table, "worker")], axis=1)
    distinct = sorted({(int(a), int(b)) for a, b in np.unique(pairs, axis=0)}) if len(pairs) else []
    named = [(_stage_name(stages, code), worker) for code, worker in distinct]
    return {pair: number for number, pair in enumerate(dict.fromkeys(named), start=1)}


def _stage_name(stages: Sequence[str], code: int) -> str:
    return stages[code] if 0 <= code < len(stages) else f"stage {code}"


# -- samples -----------------------------------------------------------------------------


def _counters(run: Run, origin: int) -> Iterator[Event]:
    """A counter for each metric of each device or pipeline."""
    from mlbench.figures.telemetry import lanes_of

    described: list[Mapping[str, Any]] = run.manifest.get("metrics") or []  # Any: JSON
    for metric in described:
        try:
            lanes = lanes_of(run, [str(metric["name"])])
        except FigureError:  # declared, and never read
            continue
        for series in lanes[0].series:
            label = f"{lanes[0].title} ({lanes[0].unit})"
            for time, value in zip(series.times.tolist(), series.values.tolist(), strict=True):
                if np.isfinite(value):
                    yield {
                        "ph": "C",
                        "pid": MACHINE,
                        "name": f"{label} {series.name}",
                        "ts": _us(time - origin),
                        "args": {"value": value},
                    }
