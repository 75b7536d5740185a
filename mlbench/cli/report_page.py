"""``mlbench report``: a run or a study as one page that needs nothing else."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command(
    "report",
    epilog="""
\b
Examples:
  mlbench report runs/20260102-030405-rag-1a2b
  mlbench report STUDY --out results/rag.html
\b
Exit status:
  0  written
  2  there is no such run, or the file cannot be written
""",
)
@click.argument("source", metavar="RUN|STUDY")
@click.option("--out", default=None, metavar="FILE", help="Default: ID.html.")
def command(source: str, out: str | None) -> None:
    """Write RUN or STUDY as one HTML page that reads like a section on results.

    Setup, verdict, tables, figures to zoom and point at, environment, how to reproduce. The
    page holds its data, scripts and font, so it works offline and can be mailed.
    """
    from mlbench.cli.find import find_source
    from mlbench.cli.page import name, notes, results
    from mlbench.report import report

    found = find_source(source, "writes")
    with notes().status("writing the report"):
        path = report(found, Path(out) if out is not None else Path(f"{found.id}.html"))
    results().print(name(str(path)), soft_wrap=True)
