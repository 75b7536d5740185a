"""A sweep on the page: how its points came out, with the main numbers, and what to type next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.text import Text

from mlbench.cli.numbers import significant
from mlbench.cli.page import Page, name
from mlbench.cli.sweep_progress import STYLES
from mlbench.cli.tables import Column, table_of
from mlbench.cli.text import one_line, plain

__all__ = ["print_summary"]

Json = Mapping[str, Any]
"""A document; Any: JSON."""

MOST_ROWS = 20
MOST_RECORDED = 6
"""Recorded values that have a column on the page: the table has all."""

TITLES = {
    "throughput": "achieved\n/s",
    "latency_p50_ms": "latency\np50 ms",
    "latency_p99_ms": "\np99 ms",
    "slowdown_throughput": "slowdown\nthroughput",
    "slowdown_latency_p50": "\np50",
    "slowdown_latency_p99": "\np99",
}


def print_summary(summary: Json, page: Page) -> None:
    """Print the points, the verdict with its reasons, where the table is, and what to type."""
    page.print(Text.assemble(name(summary["title"], "bold"), f"  {summary['status']}"))
    counts = ", ".join(f"{count} {status}" for status, count in summary["points"].items() if count)
    page.print(Text(f"points   {counts}"))
    page.print()
    _print_verdict(summary, page)
    page.print()
    _print_points(summary, page)
    if summary["results"]:
        page.print(Text(f"table    {plain(summary['results'])}"), soft_wrap=True)
    for line in (*_renamed(summary["columns"]), *_next(summary["next"])):
        page.print(Text(plain(line)), soft_wrap=True)


def _print_verdict(summary: Json, page: Page) -> None:
    style = "bold green" if summary["verdict"] == "VALID" else "bold red"
    page.print(Text(summary["verdict"], style=style))
    for reason in summary["reasons"]:
        page.print(Text(f"  - {plain(reason)}"), soft_wrap=True)
    for note in (*summary["notes"], *summary["relaxed"]):
        page.print(Text(f"  - {plain(note)}", style="dim"), soft_wrap=True)
    for each in summary["failures"][:MOST_ROWS]:
        error = each["error"]
        told = f"{each['point']}  {each['status']}  {error.get('kind')}: {error.get('message')}"
        page.print(Text(f"  - {one_line(told, 200)}"), soft_wrap=True)


def _print_points(summary: Json, page: Page) -> None:
    """A row for each point and pipeline; of studies the one of the collocated run."""
    rows = [row for row in summary["rows"] if row["role"] in (None, "collocated")]
    shown = rows[:MOST_ROWS]
    page.print(table_of(_columns(shown)))
    if len(rows) > len(shown):
        where = f": {plain(summary['results'])} has all" if summary["results"] else ""
        page.print(Text(f"... and {len(rows) - len(shown)} more{where}", style="dim"))
    page.print()


def _columns(rows: Sequence[Json]) -> list[Column]:
    repeats = {row["repeat"] for row in rows}
    columns = [_texts("repeat", (row["repeat"] + 1 for row in rows))] if len(repeats) > 1 else []
    given = rows[0]["parameters"] if rows else {}
    for key, title in _short(list(given)).items():
        columns.append(_texts(title, (row["parameters"][key] for row in rows)))
    if _any(rows, "pipeline"):
        columns.append(_texts("pipeline", (row["pipeline"] for row in rows)))
    columns.append(_statuses([row["status"] for row in rows]))
    if _any(rows, "verdict"):
        columns.append(_texts("verdict", (_verdict(row) for row in rows)))
    for key, title in TITLES.items():
        columns += _numbers(title, [row["metrics"][key] for row in rows])
    for key in list(rows[0]["recorded"] if rows else {})[:MOST_RECORDED]:
        columns += _numbers(plain(key), [row["recorded"][key] for row in rows])
    return columns


def _verdict(row: Json) -> object:
    """``VALID``, ``INVALID``, or that its study is VALID without it."""
    return "left out" if row["left_out"] else row["verdict"]


def _any(rows: Sequence[Json], key: str) -> bool:
    return any(row[key] is not None for row in rows)


def _short(paths: Sequence[str]) -> dict[str, str]:
    """Pipeline and last key of each path, where these tell them apart; else the whole paths."""
    short = {path: _title(plain(path).split(".")) for path in paths}
    told_apart = len(set(short.values())) == len(short)
    return short if told_apart else {path: plain(path) for path in paths}


def _title(keys: Sequence[str]) -> str:
    return f"{keys[1]}\n{keys[-1]}" if keys[0] == "pipelines" and len(keys) > 2 else keys[-1]


def _texts(title: str, values: Iterable[object]) -> Column:
    cells = [name("" if value is None else one_line(str(value), 40)) for value in values]
    return Column(title, cells, "left")


def _statuses(values: Sequence[str]) -> Column:
    return Column("status", [Text(each, style=STYLES.get(each, "")) for each in values], "left")


def _numbers(title: str, values: Sequence[object]) -> list[Column]:
    """A column of numbers, or of what a notebook recorded; none where all of it is missing."""
    if all(value is None for value in values):
        return []
    return [Column(title, [name(_told(value)) for value in values])]


def _told(value: object) -> str:
    if value is None:
        return "-"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return significant(float(value)) if is_number else one_line(str(value), 40)  # type: ignore[arg-type]


def _renamed(columns: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    """Parameters and recorded values whose name is taken by a column of the table itself."""
    for kind, noun in (("parameters", "parameter"), ("recorded", "recorded value")):
        for key, column in columns[kind].items():
            if key != column:
                yield f"column   {column} is the {noun} {key}: {key} is a column of its own"


def _next(lines: Sequence[str]) -> Iterable[str]:
    return (f"next     {line}" for line in lines)
