"""``mlbench show``: a run, a study, or a sweep, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlbench.study.study import Study
    from mlbench.sweep.opened import Sweep

__all__ = ["command"]


@click.command(
    "show",
    epilog="""
\b
Examples:
  mlbench show runs/20260102-030405-rag-1a2b
  mlbench show 20260102-030405-rag-1a2b         the same: ids are looked for in runs/
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
    """Show RUN, the directory of a run, a study or a sweep, or the id of one in runs/.

    Verdict with its reasons, a row for each pipeline, a row for each of its stages, what
    failed and why, and the first outputs. A run that still goes on shows what it has so far.
    Of a sweep: a row for each point, with its parameters and main numbers, and what to type
    to go on.
    """
    from mlbench.cli.find import find_run, find_study
    from mlbench.cli.page import results, write_json

    if (sweep := _find_sweep(run)) is not None:
        _show_sweep(sweep, as_json)
        return
    if (study := find_study(run)) is not None:
        _show_study(study, as_json)
        return
    found = find_run(run)
    summary = found.summary()
    if as_json:
        write_json(summary)
        return
    from mlbench.cli.report import print_report

    print_report(found, summary, results())


def _show_study(study: Study, as_json: bool) -> None:
    from mlbench.cli.page import results, write_json

    summary = study.summary()
    if as_json:
        write_json(summary)
        return
    from mlbench.cli.study_report import print_study

    print_study(study, "", summary, results())


def _find_sweep(argument: str, runs: Path = Path("runs")) -> Sweep | None:
    """The sweep at that path, or of that id; null if there is none."""
    from mlbench.store.kind import is_sweep

    path = next((each for each in (Path(argument), runs / argument) if is_sweep(each)), None)
    if path is None:
        return None
    from mlbench.sweep.opened import open_sweep

    return open_sweep(path)


def _show_sweep(sweep: Sweep, as_json: bool) -> None:
    from mlbench.cli.page import notes, results, write_json

    with notes().status("reading the points"):
        summary = sweep.summary()
    if as_json:
        write_json(summary)
        return
    from mlbench.cli.sweep_report import print_summary

    print_summary(summary, results())
