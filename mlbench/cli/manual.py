"""The page of one stage or load: what it does, its fields, its types, an example."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mlbench.cli.page import Page, name, results, write_json
from mlbench.cli.prose import prose
from mlbench.cli.tables import Column, table_of
from mlbench.cli.text import plain
from mlbench.library.catalogue import Described, Field, Listed

__all__ = ["field_table", "listing", "print_described", "print_manual"]


def listing(members: Iterable[Listed]) -> Table:
    """One line for each: its name, its kind, and what it is or why it does not import."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(style="dim", no_wrap=True)
    for each in members:
        text = Text(plain(each.problem), "red") if each.problem else prose(each.summary)
        grid.add_row(Text(f"  {plain(each.name)}"), each.kind or "broken", text)
    return grid


def print_described(found: Described, as_json: bool) -> None:
    """Print the page on standard output, or the same as one JSON document."""
    if as_json:
        write_json(found.to_dict())
    else:
        print_manual(found, results())


def print_manual(found: Described, page: Page) -> None:
    """Print the page."""
    title = name(found.name, "bold")
    title.append(f"  {found.kind}", style="cyan")
    page.print(title)
    page.print()
    for paragraph in found.documentation.split("\n\n"):
        page.print(Padding(prose(paragraph), (0, 0, 1, 2), expand=False))
    ports = _ports(found)
    if ports.row_count:
        page.print(Padding(ports, (0, 0, 0, 2), expand=False), Text(), sep="\n")
    if found.fields:
        page.print(Text("fields of with" if ports.row_count else "fields", style="bold"))
        page.print(Padding(field_table(found.fields), (0, 0, 0, 2), expand=False))
        page.print()
    page.print(Text("example", style="bold"))
    for line in found.example.splitlines():
        page.print(Text(f"  {plain(line)}", style="cyan"), soft_wrap=True)


def _ports(found: Described) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim")
    if found.takes is not None:
        grid.add_row("takes", plain(found.takes))
    if found.outputs is None:
        grid.add_row("gives", "one of its outputs, which its fields name")
    elif found.outputs:
        for output, kind in found.outputs.items():
            grid.add_row("output", plain(f"{output}: {kind}"))
    elif found.gives is not None:
        grid.add_row("gives", plain(found.gives))
    if found.kind == "resource":
        grid.add_row("shared", "by the stages that name it as $NAME")
    return grid


def field_table(fields: Sequence[Field]) -> Table:
    """One line for each field: its type, its default, what it is."""
    columns = [
        Column("field", [name(field.name, "bold") for field in fields], "left"),
        Column("type", [name(field.type) for field in fields], "left"),
        Column("default", [_default(field) for field in fields], "left"),
    ]
    if any(field.description for field in fields):
        columns.append(Column("", [prose(field.description) for field in fields], "left"))
    return table_of(columns)


def _default(field: Field) -> Text:
    if field.required:
        return Text("required", style="yellow")
    if field.section is not None:
        return Text()
    return name(json.dumps(field.default, ensure_ascii=False, default=str))
