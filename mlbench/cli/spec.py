"""``mlbench spec``: what may stand in a spec, or in the plan of a sweep."""

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
  mlbench spec --plan
  mlbench spec --plan parameters.random
\b
Exit status:
  0  shown
  2  a spec, or a plan, has no such field
""",
)
@click.argument("path", required=False)
@click.option("--plan", "of_plan", is_flag=True, help="Explain the plan of a sweep instead.")
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON document.")
def command(path: str | None, of_plan: bool, as_json: bool) -> None:
    """Explain the fields of a spec, or those of PATH: a section, a field, or where it stands.

    NAME in a path is a name that the spec chooses. What a stage takes under `with` is told
    by `mlbench stages NAME`, what a load takes by `mlbench loads NAME`. A relative path in
    them counts from the directory in which mlbench is started, wherever the spec stands.
    """
    from mlbench.cli.page import results, write_json
    from mlbench.cli.sections import SPEC, plan_kind, sections, sections_at

    if path == "plan" and not of_plan:
        raise click.UsageError("`mlbench spec --plan` explains the plan of a sweep")
    kind = plan_kind() if of_plan else SPEC
    found = sections(kind) if path is None else sections_at(path, kind)
    if as_json:
        write_json({"sections": [section.to_dict() for section in found]})
        return
    page = results()
    for section in found:
        _print(section, kind.name, page)
    if of_plan and path is None:
        _print_example(page)


def _print(section: Section, top: str, page: Page) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from mlbench.cli.manual import field_table
    from mlbench.cli.page import name
    from mlbench.cli.prose import prose

    page.print(name(section.path or top, "bold"))
    for paragraph in section.documentation.split("\n\n"):
        page.print(Padding(prose(paragraph), (0, 0, 0, 2), expand=False))
    table = Padding(field_table(section.fields), (0, 0, 0, 2), expand=False)
    page.print(Text(), table, Text(), sep="\n")


def _print_example(page: Page) -> None:
    """The plan with every key that the module of plans has in its text."""
    from inspect import cleandoc

    from rich.text import Text

    from mlbench.sweep import plan

    _, _, text = cleandoc(plan.__doc__ or "").partition(".. code-block:: yaml\n\n")
    page.print(Text("an example with every key", style="bold"))
    page.print(Text(text.partition("\n\nOf a **notebook**")[0]), Text(), sep="\n", soft_wrap=True)
