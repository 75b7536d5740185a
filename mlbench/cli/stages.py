"""``mlbench stages``: what pipelines can be made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlbench.library.catalogue import Listed

__all__ = ["command"]


@click.command(
    "stages",
    epilog="""
\b
Examples:
  mlbench stages
  mlbench stages vision.classify
  mlbench stages my_package.my_module:MyStage
\b
Exit status:
  0  shown
  2  nothing has that name
""",
)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON document.")
def command(name: str | None, as_json: bool) -> None:
    """List the stages, data sets and resources that are installed, or explain NAME.

    Each comes from a Python package that registers it, mlbench's own in the same way as a
    plugin's. An explanation has the fields of `with`, the types along the edges, and an
    example to copy.
    """
    from mlbench.cli.manual import print_described
    from mlbench.cli.page import write_json
    from mlbench.library.catalogue import described, listed

    if name is not None:
        print_described(described(name), as_json)
        return
    library = listed()
    if as_json:
        write_json({"stages": [asdict(each) for each in library]})
    else:
        _print(library)


def _print(library: Sequence[Listed]) -> None:
    from rich.text import Text

    from mlbench.cli.manual import listing
    from mlbench.cli.page import name, results

    page = results()
    for family, members in groupby(library, key=lambda each: each.name.partition(".")[0]):
        page.print(name(family, "bold"))
        page.print(listing(members))
        page.print()
    page.print(Text("mlbench stages NAME explains one", style="dim"))
