"""What a run directory records: the tables, their columns and units, and the codes in them.

All times are nanoseconds of one monotonic clock (``time.monotonic_ns``). Names of
pipelines, stages and metrics are codes into tables that stand in ``run.json``. A value
that is missing is null in the table; in a ring, where rows are plain integers, it is
``NULL``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

__all__ = [
    "COMPLETIONS",
    "DISPATCH",
    "EVENTS",
    "FIRST_TOKEN",
    "FORMAT",
    "NOTE",
    "NULL",
    "SAMPLES",
    "SCORE",
    "SPANS",
    "TABLES",
    "TOKEN",
    "Column",
    "Outcome",
    "Phase",
    "Table",
]

FORMAT = 1
"""Version of the run directory. History:

1. The first.
"""

NULL = -(2**63)
"""What stands for null in a ring of integers; no clock, code or index reaches it."""


class Outcome(IntEnum):
    """How a query or a span ended. Every dispatched query has exactly one."""

    DONE = 0
    FAILED = 1
    TIMED_OUT = 2
    CANCELLED = 3
    LOST = 4


class Phase(IntEnum):
    """The part of a run that a query belongs to."""

    WARMUP = 0
    LOAD = 1


Kind = Literal["int64", "int32", "float64", "utf8", "list<int64>"]


@dataclass(frozen=True)
class Column:
    """One column: its name, storage type, unit or meaning, and whether it may be null."""

    name: str
    kind: Kind
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One Arrow stream of a run directory."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)


DISPATCH = Table(
    "dispatch",
    (
        Column("query", "int64", "index of the query in its pipeline, from 0"),
        Column("pipeline", "int32", "code into run.json, pipelines"),
        Column("item", "int64", "index of the query's first item"),
        Column("due", "int64", "ns, intended arrival"),
        Column("sent", "int64", "ns, dispatched"),
    ),
)

COMPLETIONS = Table(
    "completions",
    (
        Column("query", "int64", "index of the query; warm-up counts down from -1"),
        Column("item", "int64", "index of the query's first item"),
        Column("due", "int64", "ns, intended arrival; a closed load's is when its slot got free"),
        Column("sent", "int64", "ns, dispatched"),
        Column("received", "int64", "ns, taken by the worker", nullable=True),
        Column("started", "int64", "ns, its first span begins", nullable=True),
        Column("done", "int64", "ns, its last branch ended", nullable=True),
        Column("phase", "int32", "Phase"),
        Column("outcome", "int32", "Outcome"),
        Column("error", "utf8", "what ended it, where it failed", nullable=True),
    ),
)

SPANS = Table(
    "spans",
    (
        Column("span", "int64", "id in this pipeline"),
        Column("query", "int64", "index of the query"),
        Column("branch", "int32", "id of the branch in its query, 0 the first"),
        Column("visit", "int32", "visit of this stage on the branch's lineage, from 1"),
        Column("parents", "list<int64>", "spans that it follows; of a join the last to come first"),
        Column("stage", "int32", "code into run.json, stages of this pipeline"),
        Column("worker", "int32", "index of the stage's worker"),
        Column("batch", "int64", "id of the dynamic batch", nullable=True),
        Column("batch_size", "int32", "payloads in that batch", nullable=True),
        Column("ready", "int64", "ns, its input was there"),
        Column("start", "int64", "ns, the call began"),
        Column("end", "int64", "ns, the call returned"),
        Column("device_ns", "int64", "ns between stream events on the device", nullable=True),
        Column("outcome", "int32", "Outcome"),
        Column("route", "int32", "code into run.json, routes of this pipeline", nullable=True),
    ),
)

EVENTS = Table(
    "events",
    (
        Column("span", "int64", "the span that it happened in"),
        Column("name", "int32", "code into run.json, events of this pipeline"),
        Column("t", "int64", "ns"),
        Column("value", "float64", "what the stage said; its unit is the event's"),
    ),
)

SAMPLES = Table(
    "samples",
    (
        Column("start", "int64", "ns, begin of the interval that the value covers"),
        Column("end", "int64", "ns, end of it"),
        Column("metric", "int32", "code into run.json, metrics"),
        Column("device", "int32", "code into run.json, devices", nullable=True),
        Column("pipeline", "int32", "code into run.json, pipelines", nullable=True),
        Column("pid", "int64", "process, where the metric is of one", nullable=True),
        Column("value", "float64", "in the metric's unit"),
    ),
)

FIRST_TOKEN, TOKEN = "first_token", "token"
"""Events of a stage that generates: its first token, and each step after it. Their value is
how many answers got a token in that step: 1, or those of a batch that went on."""

SCORE = "score."
"""What the name of an event begins with whose value says how good a result is."""

NOTE = "note: "
"""What a line of ``stderr.log`` begins with that says what takes long while a pipeline opens."""

TABLES = {table.name: table for table in (DISPATCH, COMPLETIONS, SPANS, EVENTS, SAMPLES)}
