"""``mlbench sweep``: a notebook or a spec over parameters, in blocks, and one table of all."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlbench.cli.status import FAILED, INTERRUPTED, INVALID, OK

if TYPE_CHECKING:
    from mlbench.sweep.plan import Plan

__all__ = ["command"]


@click.command(
    "sweep",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True},
    epilog="""
\b
Examples:
  mlbench sweep plan.yml --dry-run
  mlbench sweep plan.yml
  mlbench sweep --resume runs/20260102-030405-batch-and-model-1a2b
  mlbench sweep --resume last                   the newest in --out
  mlbench show runs/20260102-030405-batch-and-model-1a2b
  mlbench sweep plan.yml --on slurm --partition gpu --gres gpu:1
  mlbench sweep plan.yml --no-wait

`mlbench spec --plan` explains every key of a plan.

`--no-wait`, with --on local, fails where another sweep holds the processors or GPUs.

\b
Options of --on slurm, which makes each block one job of a cluster:
  --partition, --account, --qos, --constraint, --gres, --time   as sbatch takes them
  --slurm KEY=VALUE   any other option of sbatch; may be repeated
  --shared            let other jobs onto the node; what they do disturbs what is measured
  --detach            leave the jobs in the queue; --resume DIR --on slurm follows them later

\b
Exit status:
  0    every point is done, and what it measured is VALID
  1    a point failed, hung or died, or a block could not be executed; all others were
  2    the plan cannot be executed here; each problem is a line on standard error
  3    done, and the verdict is INVALID; the reasons are shown
  130  interrupted: the first Ctrl-C ends what runs cleanly, the second at once; both leave
       a sweep that --resume goes on with
""",
)
@click.argument("plan", required=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF --on]")
@click.option(
    "--resume", metavar="DIR", help="Go on with the sweep in DIR; a PLAN may have more points."
)
@click.option("--failed", is_flag=True, help="With --resume: points that failed, too.")
@click.option("--dry-run", is_flag=True, help="Show points and cost; execute none.")
@click.option("--on", metavar="NAME", help="Where: local (default) or slurm.")
@click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="Where the sweep goes."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document.")
def command(
    plan: str | None,
    options: Sequence[str],
    resume: str | None,
    failed: bool,
    dry_run: bool,
    on: str | None,
    out: str,
    as_json: bool,
) -> None:
    """Execute PLAN, a YAML file: a notebook or a spec, once for each set of its parameters.

    All is checked before anything starts: names, types, the target itself. Each point has
    its own processes and its own folder; one that fails, hangs or dies stops nothing, and is
    a row of the table like all others. The table is results.parquet in the sweep's directory,
    and `mlbench show` prints its main columns. A sweep that was on a cluster goes on where
    --on says: it is asked for then.
    """
    if resume is not None and plan is not None and plan.startswith("-"):
        options, plan = (plan, *options), None
    if plan is not None and plan.startswith("-"):
        raise click.UsageError(f"{plan}: name the PLAN first, then the options of --on")
    if plan is None and resume is None:
        raise click.UsageError("name a PLAN, or a sweep with --resume DIR")
    if failed and resume is None:
        raise click.UsageError("--failed goes with --resume DIR")
    if resume is not None:
        from mlbench.cli.find import located

        resume = str(located(resume, Path(out), "sweep"))
    if dry_run:
        _dry_run(plan, resume, as_json)
        return
    sys.exit(_execute(plan, resume, failed, on, options, out, as_json))


def _dry_run(plan: str | None, resume: str | None, as_json: bool) -> None:
    from mlbench.cli.page import results, write_json
    from mlbench.cli.sweep_plan import outline_of, print_outline
    from mlbench.sweep.layout import read_plan
    from mlbench.sweep.plan import load_plan
    from mlbench.sweep.planning import planned
    from mlbench.sweep.state import states

    manifest = read_plan(Path(str(resume))) if plan is None else planned(load_plan(plan), plan)
    points = [point.id for point in manifest.points]
    found = states(Path(resume), points) if resume is not None else {}
    outline = outline_of(manifest, found)
    if as_json:
        write_json(outline)
    else:
        print_outline(manifest, outline, results())


def _execute(
    plan: str | None,
    resume: str | None,
    failed: bool,
    on: str | None,
    options: Sequence[str],
    out: str,
    as_json: bool,
) -> int:
    """Execute what is unfinished, and tell what came of it; returns the exit status."""
    from mlbench.cli.interrupts import Interrupts
    from mlbench.cli.page import notes
    from mlbench.cli.sweep_progress import Points
    from mlbench.sweep.conduct import execute, removed_if_refused
    from mlbench.sweep.executor import executor_for

    executor = executor_for(None if resume is None else Path(resume), on, options)
    directory = _directory(plan, resume, failed, out)
    page = notes()
    page.print(str(directory), soft_wrap=True, style="dim")
    with (
        removed_if_refused(directory) if resume is None else nullcontext(),
        Interrupts() as interrupts,
        Points(directory, page, interrupts) as points,
    ):
        sweep = execute(directory, executor, points.look)
    if getattr(executor, "detach", False):  # its blocks go on without this command
        return OK
    summary = sweep.summary()
    if interrupts.count:
        summary["next"] = []  # the last line says it
    _tell(summary, as_json)
    if interrupts.count:
        where = "" if on in (None, "local") else f" --on {on}"
        click.echo(f"interrupted; go on with: mlbench sweep --resume {directory}{where}", err=True)
        return INTERRUPTED
    return _status(summary)


def _directory(plan: str | None, resume: str | None, failed: bool, out: str) -> Path:
    """That of the sweep, with all that is to be executed planned."""
    from mlbench.sweep.conduct import reopen
    from mlbench.sweep.plan import load_plan
    from mlbench.sweep.planning import begin, extend

    found: Plan | None = None if plan is None else load_plan(plan)
    if resume is None:
        assert found is not None
        return begin(found, out, plan)
    if found is not None:
        extend(Path(resume), found, plan)
    return reopen(Path(resume), failed)


def _tell(summary: Mapping[str, Any], as_json: bool) -> None:  # Any: JSON
    from mlbench.cli.page import results, write_json
    from mlbench.cli.sweep_report import print_summary

    if as_json:
        write_json(summary)
    else:
        print_summary(summary, results())


def _status(summary: Mapping[str, Any]) -> int:  # Any: JSON
    """The exit status of a sweep that nobody interrupted."""
    points = summary["points"]
    if points["failed"] or points["timed-out"] or summary["status"] != "done":
        return FAILED
    return OK if summary["verdict"] == "VALID" else INVALID
