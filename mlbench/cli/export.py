"""``mlbench export``: a run or a study in the formats of others."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command(
    "export",
    epilog="""
\b
Formats:
  perfetto  a trace of spans, flows and counters: open it at ui.perfetto.dev
  csv       a file for each table
  parquet   the same, compressed and with types
  latex     tables with booktabs
\b
Examples:
  mlbench export runs/20260102-030405-rag-1a2b --to perfetto
  mlbench export STUDY --to latex --out paper/tables
\b
Exit status:
  0  written
  2  there is no such run or format, or the files cannot be written
""",
)
@click.argument("source", metavar="RUN|STUDY")
@click.option(
    "--to", "kind", required=True, metavar="FORMAT", help="perfetto, csv, parquet, latex."
)
@click.option("--out", default=None, metavar="DIR", help="Default: export/ID.")
def command(source: str, kind: str, out: str | None) -> None:
    """Write RUN or STUDY in a format that other tools read."""
    from mlbench.cli.find import find_source
    from mlbench.cli.page import name, notes, results
    from mlbench.export import export

    found = find_source(source, "writes")
    directory = Path(out) if out is not None else Path("export") / found.id
    with notes().status("exporting"):
        paths = export(found, kind, directory)
    page = results()
    for path in paths:
        page.print(name(str(path)), soft_wrap=True)
