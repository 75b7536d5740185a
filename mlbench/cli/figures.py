"""``mlbench figures``: the standard set of figures of a run or a study, for a venue."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlbench.cli.status import BAD_INPUT

if TYPE_CHECKING:
    from rich.text import Text

    from mlbench.report.standard import Drawn

__all__ = ["command"]


@click.command(
    "figures",
    epilog="""
\b
Examples:
  mlbench figures runs/20260102-030405-rag-1a2b
  mlbench figures last                          the newest in runs/
  mlbench figures STUDY --venue ieeetran --columns 2 --out paper/figures
  mlbench figures STUDY --venue 397.48 --format pdf --format png
\b
Exit status:
  0  saved; a figure that cannot be drawn from this run says why
  2  there is no such run or venue, or nothing could be drawn
""",
)
@click.argument("source", metavar="RUN|STUDY")
@click.option(
    "--venue",
    default="acmart",
    show_default=True,
    help="acmart, ieeetran, screen, or a width as LaTeX's \\the\\columnwidth prints it.",
)
@click.option("--columns", type=click.Choice(["1", "2"]), default="1", help="Columns of the page.")
@click.option("--out", default=None, metavar="DIR", help="Default: figures/ID.")
@click.option(
    "--format",
    "formats",
    type=click.Choice(["pdf", "svg", "png"]),
    multiple=True,
    default=["pdf"],
    help="May be repeated. Default: pdf.",
)
def command(
    source: str, venue: str, columns: str, out: str | None, formats: tuple[str, ...]
) -> None:
    """Draw the standard figures of RUN or STUDY and save them for a venue.

    Each file is exactly as wide as the venue's column, its fonts are embedded, and the same
    data gives the same bytes. Beside it stand a caption (.txt) and where it comes from
    (.json). What preflight finds is printed with what to change.
    """
    from mlbench.cli.find import find_source
    from mlbench.cli.page import results
    from mlbench.figures.venue import theme
    from mlbench.report.standard import standard_figures

    found = find_source(source, "draws")
    chosen = theme(_venue(venue), int(columns))
    directory = Path(out) if out is not None else Path("figures") / found.id
    page, saved = results(), 0
    for drawn in standard_figures(found, chosen):
        for kind in formats if drawn.chart is not None else ("",):
            page.print(_line(drawn, directory, kind), soft_wrap=True)
            saved += drawn.chart is not None
    sys.exit(0 if saved else BAD_INPUT)


def _venue(text: str) -> str | float:
    """A name, or a width."""
    try:
        return float(text.removesuffix("pt"))
    except ValueError:
        return text


def _line(drawn: Drawn, directory: Path, kind: str) -> Text:
    """Save one figure, and say so."""
    from rich.text import Text

    from mlbench.cli.text import plain
    from mlbench.figures import FigureWarning, save

    if drawn.chart is None:
        return Text(f"–  {plain(drawn.reason)}", style="dim")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FigureWarning)  # its text is printed below
        done = save(drawn.chart, directory / f"{drawn.name}.{kind}")
    line = Text(plain(str(done.path)))
    for finding in done.findings:
        line.append(f"\n   {plain(str(finding))}", style="yellow")
    return line
