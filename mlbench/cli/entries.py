"""Runs of a list as a table, or in two lines each where the page is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from mlbench.cli.numbers import duration
from mlbench.cli.page import name
from mlbench.cli.report import STATUS_STYLES
from mlbench.cli.tables import Column, table_of
from mlbench.cli.text import one_line, plain
from mlbench.study.listing import Entry

__all__ = ["broken_line", "entry_lines", "entry_table"]

VERDICT_STYLES = {"VALID": "green", "INVALID": "red"}


def entry_table(entries: Sequence[Entry]) -> Table:
    """One row a run."""
    return table_of(
        (
            Column("id", [name(entry.id) for entry in entries], "left"),
            Column("name", [name(one_line(each.name or "", 24)) for each in entries], "left"),
            Column("started", [Text(_started(entry)) for entry in entries], "left"),
            Column("took", [Text(_took(entry)) for entry in entries]),
            Column("pipelines", [_pipelines(entry) for entry in entries], "left"),
            Column("status", [_status(entry) for entry in entries], "left"),
            Column("verdict", [_verdict(entry) for entry in entries], "left"),
        )
    )


def entry_lines(entry: Entry) -> Text:
    """The same, with a line for the id alone, so that it can be copied."""
    line = name(entry.id, "bold")
    line.append("  ").append_text(_status(entry)).append("  ").append_text(_verdict(entry))
    parts = (entry.name or "", _started(entry), _took(entry), ", ".join(entry.pipelines))
    return line.append(f"\n  {' · '.join(plain(part) for part in parts if part)}", style="not bold")


def broken_line(entry: Entry) -> Text:
    """A run that cannot be read, with the reason."""
    line = Text("unreadable", style="red")
    return Text.assemble(line, "  ", plain(entry.id), ": ", plain(entry.problem or ""))


def _pipelines(entry: Entry) -> Text:
    return name(one_line(", ".join(entry.pipelines), 32))


def _started(entry: Entry) -> str:
    if entry.started is None:
        return "-"
    try:
        local = datetime.fromtimestamp(entry.started)  # local time, of whoever reads
    except (OverflowError, OSError, ValueError):  # no calendar has it: one folder's damage
        return "-"
    return local.strftime("%Y-%m-%d %H:%M")


def _took(entry: Entry) -> str:
    return "-" if entry.seconds is None else duration(entry.seconds)


def _status(entry: Entry) -> Text:
    status = entry.status or ""
    return Text(plain(status), style=STATUS_STYLES.get(status, "cyan"))


def _verdict(entry: Entry) -> Text:
    verdict = entry.verdict or "-"
    return Text(verdict, style=VERDICT_STYLES.get(verdict, "dim"))
