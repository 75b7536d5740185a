"""``mlbench loads``: when the queries of a pipeline can be due."""

from __future__ import annotations

from dataclasses import asdict

import click

__all__ = ["command"]


@click.command(
    "loads",
    epilog="""
\b
Examples:
  mlbench loads
  mlbench loads poisson
\b
Exit status:
  0  shown
  2  nothing has that name
""",
)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON document.")
def command(name: str | None, as_json: bool) -> None:
    """List the loads that are installed, or explain NAME: its fields, with an example to copy.

    An open load has due times that wait for nothing; a closed one starts a query when one
    has ended. In place of a `rate`, `utilisation: 0.7` is a share of what the pipeline can
    do alone: `mlbench collocate` measures that first.
    """
    from mlbench.cli.manual import print_described
    from mlbench.cli.page import write_json
    from mlbench.library.catalogue import described_load, listed_loads

    if name is not None:
        print_described(described_load(name), as_json)
    elif as_json:
        write_json({"loads": [asdict(each) for each in listed_loads()]})
    else:
        _print()


def _print() -> None:
    from rich.text import Text

    from mlbench.cli.manual import listing
    from mlbench.cli.page import results
    from mlbench.library.catalogue import listed_loads

    page = results()
    page.print(listing(listed_loads()), Text(), sep="\n")
    page.print(Text("mlbench loads NAME explains one", style="dim"))
