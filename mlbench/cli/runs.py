"""``mlbench runs``: what has been run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlbench.study.listing import Entry

__all__ = ["command"]


@click.command(
    "runs",
    epilog="""
\b
Examples:
  mlbench runs
  mlbench runs /data/runs --json | jq -r '.runs[] | select(.verdict == "VALID").path'
\b
Exit status:
  0  listed; runs that cannot be read are listed, too, with the reason
  2  there is no such directory
""",
)
@click.argument("directory", default="runs", metavar="[DIR]")
@click.option("--json", "as_json", is_flag=True, help="Print {runs: [...]} as one JSON document.")
def command(directory: str, as_json: bool) -> None:
    """List runs, studies and sweeps in DIR (default: runs), newest first, those going on too.

    The verdict is a dash while a run goes on, and where its tables are larger than 50 MB. In
    its place a study has how many of its blocks are VALID, a sweep how many of its points are
    done. `mlbench show` judges all of them: it reads their tables.
    """
    from mlbench.cli.page import notes, write_json
    from mlbench.sweep.listing import entries

    with notes().status("reading the runs"):
        found = entries(Path(directory))
    if as_json:
        write_json({"runs": [entry.to_dict() for entry in found]})
    else:
        _print(found, directory)


def _print(found: Sequence[Entry], directory: str) -> None:
    from mlbench.cli.entries import broken_line, entry_lines, entry_table
    from mlbench.cli.page import name, results
    from mlbench.cli.tables import fits

    page, readable = results(), [_with_parts(each) for each in found if each.problem is None]
    if not found:
        page.print(name(f"no runs in {directory}"))
    table = entry_table(readable)
    if readable and fits(table, page):
        page.print(table)
    elif readable:
        for entry in readable:
            page.print(entry_lines(entry))
    for entry in found:
        if entry.problem is not None:
            page.print(broken_line(entry))


def _with_parts(entry: Entry) -> Entry:
    """The entry; of a study or a sweep, which has no verdict in a list, with how its parts are."""
    from mlbench.cli.study_blocks import blocks_of
    from mlbench.sweep.listing import points_of

    path = Path(entry.path)
    return replace(entry, verdict=entry.verdict or blocks_of(path) or points_of(path))
