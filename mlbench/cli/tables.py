"""The tables of a run: its pipelines side by side, and the stages of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mlbench.cli.footnotes import Footnotes
from mlbench.cli.numbers import significant, unit_for
from mlbench.cli.page import name

__all__ = ["Column", "fits", "pipeline_tables", "stage_table", "table_of", "token_table"]

Summary = Mapping[str, Any]
"""What `mlbench.analysis.summary` gives for one pipeline or stage; Any: JSON."""

TIMES = (
    ("lateness_ms", "lateness", ("p99",)),
    ("queueing_ms", "queueing", ("p50",)),
    ("service_ms", "service", ("p50",)),
    ("latency_ms", "latency", ("p50", "p90", "p99")),
)
STAGE_TIMES = (
    ("service_ms", "service", ("p50", "p90", "p99")),
    ("queueing_ms", "queueing", ("p50", "p90")),
)
TOKEN_TIMES = (
    ("ttft_ms", "first token", ("p50", "p90", "p99")),
    ("stage_ttft_ms", "of its stage", ("p50",)),
    ("tpot_ms", "each further token", ("p50", "p90", "p99")),
)


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


def fits(table: Table, page: Console) -> bool:
    """Whether no line of the table has to be wrapped."""
    unbounded = page.options.update(max_width=10_000)
    return Measurement.get(page, unbounded, table).maximum <= page.width


def pipeline_tables(
    pipelines: Mapping[str, Summary], loads: Mapping[str, str], notes: Footnotes, page: Console
) -> list[Table]:
    """One row a pipeline: counts and times; as two tables where one is wider than the page."""
    first = Column("pipeline", [name(key, "bold") for key in pipelines], "left")
    counts = _counts(pipelines, loads, notes)
    times = _times(
        TIMES, pipelines.values(), [""] * len(pipelines), list(pipelines.values()), notes
    )
    whole = table_of([first, *counts, *times])
    if fits(whole, page):
        return [whole]
    return [table_of([first, *counts]), table_of([first, *times])]


def stage_table(pipeline: Summary, notes: Footnotes) -> Table:
    """One row a stage of one pipeline, its data first."""
    stages = _data_first(pipeline["stages"])
    prefixes = [f"stages.{key}." for key in stages]
    rows = stages.values()
    return table_of(
        [
            Column("stage", [name(key) for key in stages], "left"),
            Column("spans", [Text(f"{row['spans']:,}") for row in rows]),
            Column("errors", [_errors(row["errors"]) for row in rows]),
            *_times(STAGE_TIMES, rows, prefixes, [pipeline] * len(stages), notes),
        ]
    )


def token_table(pipelines: Mapping[str, Summary], notes: Footnotes) -> Table | None:
    """One row for each pipeline that makes tokens; null where none does."""
    made = {key: row for key, row in pipelines.items() if row.get("tokens")}
    if not made:
        return None
    rows, holders = [row["tokens"] for row in made.values()], list(made.values())
    rates = (None if row["rate"] is None else significant(row["rate"]) for row in rows)
    return table_of(
        [
            Column("pipeline", [name(key, "bold") for key in made], "left"),
            Column("tokens", [Text(f"{row['count']:,}") for row in rows]),
            Column(
                "tokens\n/s",
                [
                    notes.cell(rate, _reason(holder, "tokens.rate"))
                    for rate, holder in zip(rates, holders, strict=True)
                ],
            ),
            *_times(TOKEN_TIMES, rows, ["tokens."] * len(rows), holders, notes),
        ]
    )


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


def _times(
    quantities: Iterable[tuple[str, str, tuple[str, ...]]],
    rows: Iterable[Summary],
    prefixes: Sequence[str],
    told: Sequence[Summary],
    notes: Footnotes,
) -> list[Column]:
    """Columns of times; those of one quantity share a unit, so that they can be compared.

    Parameters
    ----------
    prefixes, told
        Of each row: what its names in ``null_reasons`` begin with, and who holds these.
    """
    rows, columns = list(rows), []
    for key, title, quantiles in quantities:
        unit = unit_for(row[key][quantile] for row in rows for quantile in quantiles)
        for quantile in quantiles:
            cells = []
            for row, prefix, holder in zip(rows, prefixes, told, strict=True):
                value = row[key][quantile]
                reason = _reason(holder, f"{prefix}{key}.{quantile}", f"{prefix}{key}")
                cells.append(notes.cell(None if value is None else unit.show(value), reason))
            above = title if quantile == quantiles[0] else ""
            columns.append(Column(f"{above}\n{quantile} {unit.name}", cells))
    return columns


def _reason(row: Summary, *keys: str) -> str | None:
    """Why a value is null, or what it leaves out.

    How many there are is a column of the same table: without it, rows share a footnote.
    """
    reasons: Mapping[str, str] = row["null_reasons"]
    found = next((reasons[key] for key in keys if key in reasons), None)
    return None if found is None else found.partition(", there are ")[0]
