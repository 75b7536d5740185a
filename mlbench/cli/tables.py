"""The tables of a run: its pipelines side by side, and the stages of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mlbench.cli.footnotes import Footnotes
from mlbench.cli.numbers import Unit, one_unit, significant, unit_for
from mlbench.cli.page import name

__all__ = ["Column", "fits", "pipeline_tables", "stage_table", "table_of", "token_tables"]

Summary = Mapping[str, Any]
"""What `mlbench.analysis.summary` gives for one pipeline or stage; Any: JSON."""

TIMES = (
    ("lateness_ms", "lateness", ("p99",)),
    ("queueing_ms", "queueing", ("mean", "p50")),
    ("service_ms", "service", ("mean", "p50")),
    ("latency_ms", "latency", ("mean", "p50", "p90", "p99")),
)
STAGE_TIMES = (
    ("service_ms", "service", ("mean", "p50", "p90", "p99")),
    ("queueing_ms", "queueing", ("mean", "p50", "p90")),
)
TOKEN_TIMES = (
    ("ttft_ms", "first token", ("mean", "p50", "p90", "p99")),
    ("stage_ttft_ms", "of its stage", ("p50",)),
    ("tpot_ms", "each further token", ("mean", "p50", "p90", "p99")),
)
"""Of each table: key, title, and what is shown of it."""

INFINITE = re.compile(r"\d+ of \d+ (queries|spans) did not succeed and count as infinite")
"""How many did not succeed is a column of the same table."""

Quantities = Sequence[tuple[str, str, tuple[str, ...]]]


@dataclass(frozen=True)
class Column:
    """One column: a title of one or two lines, and a cell for each row."""

    title: str
    cells: Sequence[Text]
    justify: Literal["left", "right"] = "right"


def table_of(columns: Iterable[Column]) -> Table:
    """The columns as a table with as few lines as can be."""
    columns = list(columns)
    two_lines = any("\n" in column.title for column in columns)
    vertical: Literal["bottom", "top"] = "bottom" if two_lines else "top"
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )
    for column in columns:
        table.add_column(column.title, justify=column.justify, vertical=vertical, overflow="fold")
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*row)
    return table


def fits(table: Table, page: Console, indent: int = 0) -> bool:
    """Whether no line of the table has to be wrapped, that far to the right."""
    unbounded = page.options.update(max_width=10_000)
    return Measurement.get(page, unbounded, table).maximum + indent <= page.width


def pipeline_tables(
    pipelines: Mapping[str, Summary], loads: Mapping[str, str], notes: Footnotes, page: Console
) -> list[Table]:
    """One row a pipeline: counts and times; as two tables where one is wider than the page."""
    first = Column("pipeline", [name(key, "bold") for key in pipelines], "left")
    rows, counts = list(pipelines.values()), _counts(pipelines, loads, notes)
    times = _Times(TIMES, rows, [""] * len(rows), rows)
    whole = table_of([first, *counts, *times.columns(notes)])
    if fits(whole, page):
        return [whole]
    return [table_of([first, *counts]), _timed([first], times, notes, page)]


def stage_table(pipeline: Summary, notes: Footnotes, page: Console, indent: int = 0) -> Table:
    """One row a stage of one pipeline, its data first."""
    stages = _data_first(pipeline["stages"])
    prefixes = [f"stages.{key}." for key in stages]
    rows = list(stages.values())
    counts = [
        Column("stage", [name(key) for key in stages], "left"),
        Column("spans", [Text(f"{row['spans']:,}") for row in rows]),
        Column("errors", [_errors(row["errors"]) for row in rows]),
    ]
    times = _Times(STAGE_TIMES, rows, prefixes, [pipeline] * len(rows))
    return _timed(counts, times, notes, page, indent)


def token_tables(pipelines: Mapping[str, Summary], notes: Footnotes, page: Console) -> list[Table]:
    """One row for each pipeline that makes tokens; as two tables where one is too wide."""
    made = {key: row for key, row in pipelines.items() if row.get("tokens")}
    if not made:
        return []
    rows, holders = [row["tokens"] for row in made.values()], list(made.values())
    rates = (None if row["rate"] is None else significant(row["rate"]) for row in rows)
    first = Column("pipeline", [name(key, "bold") for key in made], "left")
    counts = [
        Column("tokens", [Text(f"{row['count']:,}") for row in rows]),
        Column(
            "tokens\n/s",
            [
                notes.cell(rate, _reason(holder, "tokens.rate"))
                for rate, holder in zip(rates, holders, strict=True)
            ],
        ),
    ]
    prefixes = ["tokens."] * len(rows)
    whole = _timed([first, *counts], _Times(TOKEN_TIMES, rows, prefixes, holders), notes, page)
    if fits(whole, page):
        return [whole]
    begin, rest = (
        _Times(each, rows, prefixes, holders) for each in (TOKEN_TIMES[:-1], TOKEN_TIMES[-1:])
    )
    return [_timed([first, *counts], begin, notes, page), _timed([first], rest, notes, page)]


def _data_first(stages: Mapping[str, Summary]) -> dict[str, Summary]:
    """The item is fetched before the first stage; the manifest names it last."""
    fetched = {key: row for key, row in stages.items() if key == "data"}
    return {**fetched, **stages}


def _counts(
    pipelines: Mapping[str, Summary], loads: Mapping[str, str], notes: Footnotes
) -> list[Column]:
    rows = list(pipelines.values())
    return [
        Column("load", [name(loads.get(key, "")) for key in pipelines], "left"),
        Column("offered\n/s", [_rate(row, "offered_rate", notes) for row in rows]),
        Column("achieved\n/s", [_rate(row, "achieved_rate", notes) for row in rows]),
        Column("queries", [Text(f"{row['queries']:,}") for row in rows]),
        Column("errors", [_errors(row["errors"]) for row in rows]),
    ]


def _rate(row: Summary, key: str, notes: Footnotes) -> Text:
    value = row[key]
    return notes.cell(None if value is None else significant(value), _reason(row, key))


def _errors(count: int) -> Text:
    return Text(f"{count:,}", style="bold red" if count else "")


@dataclass(frozen=True)
class _Times:
    """The columns of times of one table.

    Parameters
    ----------
    prefixes, told
        Of each row: what its names in ``null_reasons`` begin with, and who holds these.
    """

    quantities: Quantities
    rows: Sequence[Summary]
    prefixes: Sequence[str]
    told: Sequence[Summary]

    @cached_property
    def units(self) -> dict[str, Unit]:
        """Of each quantity: one for all of them; else lateness, the smallest, has its own."""
        keys = [key for key, _, _ in self.quantities]
        if (one := one_unit(self._values(keys))) is not None:
            return dict.fromkeys(keys, one)
        others = [key for key in keys if key != "lateness_ms"]
        return {
            "lateness_ms": unit_for(self._values(["lateness_ms"])),
            **dict.fromkeys(
                others, one_unit(self._values(others)) or unit_for(self._values(others))
            ),
        }

    @property
    def unit(self) -> Unit | None:
        """The unit of all; null where there are two."""
        found = {unit.name: unit for unit in self.units.values()}
        return next(iter(found.values())) if len(found) == 1 else None

    def _values(self, keys: Sequence[str]) -> list[float | None]:
        shown = [(key, each) for key, _, names in self.quantities for each in names if key in keys]
        return [row[key][each] for key, each in shown for row in self.rows if key in row]

    def columns(self, notes: Footnotes, with_units: bool = True) -> list[Column]:
        """A column for each mean and quantile; in its title the unit, if that is wanted."""
        columns = []
        for key, title, names in self.quantities:
            unit = self.units[key]
            for each in names:
                above = title if each == names[0] else ""
                shown = f"{each} {unit.name}" if with_units else each
                columns.append(Column(f"{above}\n{shown}", self._cells(key, each, unit, notes)))
        return columns

    def _cells(self, key: str, shown: str, unit: Unit, notes: Footnotes) -> list[Text]:
        cells = []
        for row, prefix, holder in zip(self.rows, self.prefixes, self.told, strict=True):
            value = row[key][shown]
            reason = _reason(holder, f"{prefix}{key}.{shown}", f"{prefix}{key}")
            cells.append(notes.cell(None if value is None else unit.show(value), reason))
        return cells


def _timed(
    first: Sequence[Column], times: _Times, notes: Footnotes, page: Console, indent: int = 0
) -> Table:
    """The columns with those of times; where the page is narrow their unit is told once."""
    whole = table_of([*first, *times.columns(notes)])
    if fits(whole, page, indent) or times.unit is None:
        return whole
    named = replace(first[0], title=f"{first[0].title}\n(times in {times.unit.name})")
    return table_of([named, *first[1:], *times.columns(notes, with_units=False)])


def _reason(row: Summary, *keys: str) -> str | None:
    """Why a value is null, or what it leaves out.

    How many there are is a column of the same table: without it, rows share a footnote.
    """
    reasons: Mapping[str, str] = row["null_reasons"]
    found = next((reasons[key] for key in keys if key in reasons), None)
    if found is None:
        return None
    short = found.partition(", there are ")[0]
    return INFINITE.sub(r"\1 that did not succeed count as infinite", short)
