"""``mlbench show``: a run, a study, or a sweep, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["command"]


@click.command(
    "show",
    epilog="""
\b
Examples:
  mlbench show runs/20260102-030405-rag-1a2b
  mlbench show 1a2b         the same: any piece of a name in runs/ that no other has
  mlbench show last         the newest in runs/
  mlbench show last/blocks/000/together-0       a run of the newest, a study
  mlbench show RUN --json | jq .pipelines.rag.latency_ms
\b
Exit status:
  0  shown, whatever its verdict
  2  there is no such run, or it cannot be read
""",
)
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document.")
def command(run: str, as_json: bool) -> None:
    """Show RUN, a run, a study or a sweep: its directory, `last`, or a piece of a name in runs/.

    Verdict with its reasons, a row for each pipeline, a row for each of its stages, what
    failed and why, and the first outputs. A run that still goes on shows what it has so far.
    Of a study that more blocks can make VALID it ends with what to type. Of a sweep: a row for
    each point, with its parameters and main numbers, and what to type to go on.
    """
    from mlbench.cli.find import find_run, located
    from mlbench.store.kind import is_study, is_sweep

    path = located(run)
    if is_sweep(path):
        _show_sweep(path, as_json)
    elif is_study(path):
        _show_study(path, as_json)
    else:
        _show_run(find_run(run), as_json)


def _show_run(found: Run, as_json: bool) -> None:
    from mlbench.cli.page import results, write_json

    summary = found.summary()
    if as_json:
        write_json(summary)
        return
    from mlbench.cli.report import print_report

    print_report(found, summary, results())


def _show_study(path: Path, as_json: bool) -> None:
    from mlbench.cli.needed import needed_of
    from mlbench.cli.page import results, write_json
    from mlbench.study.study import open_study

    study = open_study(path)
    summary = study.summary()
    if as_json:
        write_json(summary)
        return
    from rich.text import Text

    from mlbench.cli.study_report import print_study
    from mlbench.cli.text import plain

    page = results()
    print_study(study, "", summary, page)
    for line in needed_of(study, summary):
        page.print(Text(plain(line)), soft_wrap=True)


def _show_sweep(path: Path, as_json: bool) -> None:
    from mlbench.cli.page import notes, results, write_json
    from mlbench.sweep.opened import open_sweep

    sweep = open_sweep(path)
    with notes().status("reading the points"):
        summary = sweep.summary()
    if as_json:
        write_json(summary)
        return
    from mlbench.cli.sweep_report import print_summary

    print_summary(summary, results())
