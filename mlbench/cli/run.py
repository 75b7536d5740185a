"""``mlbench run``: execute a spec, follow it, show what it measured."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from mlbench.cli.options import set_option
from mlbench.cli.status import FAILED, INTERRUPTED, INVALID, OK
from mlbench.imports import importing
from mlbench.spawn import Engine

if TYPE_CHECKING:
    from mlbench.run import Run
    from mlbench.spec import Benchmark

__all__ = ["command"]

HEAD_START_S = 0.2
"""What a run gets to start its processes, before this one imports what shows how it goes on."""


@click.command(
    "run",
    epilog="""
\b
Examples:
  mlbench run examples/vision_beside_training.yml
  mlbench run spec.yml --out /data/runs --set stop.seconds=60 --set seed=8
  mlbench run spec.yml --only train
  mlbench run spec.yml --json > result.json
\b
Exit status:
  0    done, and the verdict is VALID
  1    a pipeline, or the engine, ended by failure
  2    the spec cannot run here; each problem is a line on standard error
  3    done, and the verdict is INVALID; the reasons are shown
  130  interrupted: the first Ctrl-C stops the run and closes it, the second kills it
""",
)
@click.argument("spec")
@click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="Where the run directory goes."
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Run this pipeline without the others, on its place among them; may be repeated.",
)
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document.")
@click.pass_obj
def command(
    ahead: Engine | None,
    spec: str,
    out: str,
    only: Sequence[str],
    assignments: Sequence[str],
    as_json: bool,
) -> None:
    """Run SPEC, a YAML file: all its pipelines at once, side by side on this machine.

    The spec is checked first. Progress goes to standard error, results to standard output.
    The work happens in processes of its own and is recorded as it goes, so `mlbench show`
    reads the same run from another terminal, or later.
    """
    with ahead or Engine() as engine:  # it imports what it needs while the spec is checked here
        with importing():
            bench = _benchmark(spec, assignments)
        run, interrupts = _execute(bench, out, only or None, engine)
    if interrupts > 1 and not as_json:
        click.echo(f"killed; what it recorded is in {run.path}", err=True)
        sys.exit(INTERRUPTED)
    try:
        summary = _tell(run, as_json, bool(interrupts))
    except KeyboardInterrupt:
        click.echo(f"interrupted; what it recorded is in {run.path}", err=True)
        sys.exit(INTERRUPTED)
    gc.freeze()  # Python, when it ends, looks through all that it can: 50 ms
    sys.exit(INTERRUPTED if interrupts else _status(summary))


def _tell(run: Run, as_json: bool, interrupted: bool) -> dict[str, Any]:  # Any: JSON
    """Print what the run measured; returns its summary."""
    with importing():
        import mlbench.analysis.summary  # noqa: F401  (for `Run.summary`)
        from mlbench.cli.page import results, write_json
        from mlbench.cli.report import print_report

    summary = _summary(run)
    if as_json:
        write_json(summary)
    elif interrupted and run.manifest.get("barrier_ns") is None:
        click.echo(f"stopped before any query was sent; its logs are in {run.path}", err=True)
    else:
        print_report(run, summary, results())
    return summary


def _benchmark(spec: str, assignments: Sequence[str]) -> Benchmark:
    from mlbench.check import check_file
    from mlbench.errors import SpecError

    bench, problems = check_file(spec, assignments)
    if problems:
        raise SpecError(problems)
    return bench


def _execute(
    bench: Benchmark, out: str, only: Sequence[str] | None, engine: Engine
) -> tuple[Run, int]:
    """The run, when it has ended, and how often it was interrupted."""
    from mlbench.cli.interrupts import Interrupts
    from mlbench.errors import EngineError
    from mlbench.run import start

    with Interrupts() as interrupts:
        run = start(bench, out, only=only, engine=engine)
        interrupts.watch(run)
        with suppress(TimeoutError, EngineError):  # `follow` says so, if it did not start
            run.wait(HEAD_START_S)
        from mlbench.cli.follow import follow  # the run need not wait for what draws it

        follow(run, interrupts)
    return run, interrupts.count


def _summary(run: Run) -> dict[str, Any]:  # Any: JSON
    from mlbench.cli.page import notes

    with notes().status("reading the tables"):
        return run.summary()


def _status(summary: Mapping[str, Any]) -> int:  # Any: JSON
    """The exit status of a run that nobody interrupted."""
    ends = {summary["status"], *(each["status"] for each in summary["pipelines"].values())}
    if ends & {"failed", "aborted"}:
        return FAILED
    return OK if summary["verdict"] == "VALID" else INVALID
