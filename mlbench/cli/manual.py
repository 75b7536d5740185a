"""The page of one stage: what it does, its fields, its types, an example."""

from __future__ import annotations

import json

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mlbench.cli.library import Described, Field
from mlbench.cli.page import Page, name
from mlbench.cli.prose import prose
from mlbench.cli.tables import Column, table_of
from mlbench.cli.text import plain

__all__ = ["print_manual"]


def print_manual(found: Described, page: Page) -> None:
    """Print the page."""
    title = name(found.name, "bold")
    title.append(f"  {found.kind}", style="cyan")
    page.print(title)
    page.print()
    for paragraph in found.documentation.split("\n\n"):
        page.print(Padding(prose(paragraph), (0, 0, 1, 2), expand=False))
    page.print(Padding(_ports(found), (0, 0, 0, 2), expand=False))
    page.print()
    if found.fields:
        page.print(Text("fields of with", style="bold"))
        page.print(Padding(_fields(found), (0, 0, 0, 2), expand=False))
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


def _fields(found: Described) -> Table:
    fields = found.fields
    columns = [
        Column("field", [name(field.name, "bold") for field in fields], "left"),
        Column("type", [name(field.type) for field in fields], "left"),
        Column("default", [_default(field) for field in fields], "left"),
    ]
    if any(field.description for field in fields):
        columns.append(Column("", [name(field.description) for field in fields], "left"))
    return table_of(columns)


def _default(field: Field) -> Text:
    if field.required:
        return Text("required", style="yellow")
    return name(json.dumps(field.default, ensure_ascii=False, default=str))
