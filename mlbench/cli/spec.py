"""``mlbench spec``: what may stand in a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlbench.cli.page import Page
    from mlbench.cli.sections import Section

__all__ = ["command"]


@click.command(
    "spec",
    epilog="""
\b
Examples:
  mlbench spec
  mlbench spec stop
  mlbench spec pipelines.rag.place
  mlbench spec max_visits
\b
Exit status:
  0  shown
  2  a spec has no such field
""",
)
@click.argument("path", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON document.")
def command(path: str | None, as_json: bool) -> None:
    """Explain the fields of a spec, or those of PATH: a section, a field, or where it stands.

    NAME in a path is a name that the spec chooses. What a stage takes under `with` is told
    by `mlbench stages NAME`, what a load takes by `mlbench loads NAME`. A relative path in
    them counts from the directory in which mlbench is started, wherever the spec stands.
    """
    from mlbench.cli.page import results, write_json
    from mlbench.cli.sections import sections, sections_at

    found = sections() if path is None else sections_at(path)
    if as_json:
        write_json({"sections": [section.to_dict() for section in found]})
        return
    page = results()
    for section in found:
        _print(section, page)


def _print(section: Section, page: Page) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from mlbench.cli.manual import field_table
    from mlbench.cli.page import name
    from mlbench.cli.prose import prose

    page.print(name(section.path or "a spec", "bold"))
    for paragraph in section.documentation.split("\n\n"):
        page.print(Padding(prose(paragraph), (0, 0, 0, 2), expand=False))
    table = Padding(field_table(section.fields), (0, 0, 0, 2), expand=False)
    page.print(Text(), table, Text(), sep="\n")
