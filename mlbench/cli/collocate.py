"""``mlbench collocate``: each pipeline alone and together, in blocks; what slowed down."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlbench.cli.options import set_option
from mlbench.cli.status import FAILED, INTERRUPTED, INVALID, OK

if TYPE_CHECKING:
    from mlbench.collocation.ledger import Ledger
    from mlbench.spec import Benchmark
    from mlbench.study.study import Study

__all__ = ["command"]

Json = Mapping[str, Any]
"""The summary of a study; Any: JSON."""


@click.command(
    "collocate",
    epilog="""
\b
Examples:
  mlbench collocate examples/two_on_one_core.yml
  mlbench collocate spec.yml --repeats 10 --seconds 60
  mlbench collocate spec.yml --design pairs --plan
  mlbench collocate spec.yml --against noise
  mlbench collocate --resume runs/20260102-030405-rag-1a2b
\b
Exit status:
  0    done, and the verdict is VALID
  1    a pipeline, or an engine, ended by failure in every attempt
  2    the spec cannot be studied here; each problem is a line on standard error
  3    done, and the verdict is INVALID; the reasons are shown
  130  interrupted: the first Ctrl-C ends the run that goes on, the second kills it; both
       leave a study that --resume goes on with
""",
)
@click.argument("spec", required=False)
@click.option("--repeats", type=click.IntRange(1), metavar="N", help="Blocks; default: the spec's.")
@click.option("--seconds", type=float, metavar="S", help="The window that each run measures.")
@click.option(
    "--design",
    type=click.Choice(["group", "pairs", "aa"]),
    help="All together, every two, or each alone twice.",
)
@click.option("--against", metavar="NAME", help="Turn this pipeline up beside each of the others.")
@click.option("--resume", metavar="DIR", help="Go on with the study in DIR, in place of SPEC.")
@click.option("--plan", is_flag=True, help="Show the runs and how long they take; make none.")
@click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="Where the study goes."
)
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document.")
def command(
    spec: str | None,
    repeats: int | None,
    seconds: float | None,
    design: str | None,
    against: str | None,
    resume: str | None,
    plan: bool,
    out: str,
    assignments: Sequence[str],
    as_json: bool,
) -> None:
    """Study SPEC, a YAML file: how much its pipelines slow each other down on this machine.

    A study is made of blocks. Each block has a fresh run of every treatment: each pipeline
    alone, and all of them together, with the same arrivals, in random order. Intervals are
    over blocks. A run that others on the machine disturb is kept and made again; one that is
    INVALID for any other cause is kept, and its block is left out.
    """
    if (spec is None) == (resume is None):
        raise click.UsageError("name a SPEC, or a study with --resume DIR")
    if resume is not None:
        _refuse_with_resume(seconds, design, against, assignments)
        ledgers = _resumed(resume, repeats)
    else:
        assert spec is not None
        bench = _benchmark(spec, assignments, repeats, seconds, design, against)
        if plan:
            _plan(bench)
            return
        ledgers = _begun(bench, out)
    sys.exit(_make(ledgers, as_json))


def _refuse_with_resume(*given: object) -> None:
    if any(given):
        raise click.UsageError("a study that is resumed keeps its spec: only --repeats may grow")


def _benchmark(
    spec: str,
    assignments: Sequence[str],
    repeats: int | None,
    seconds: float | None,
    design: str | None,
    against: str | None,
) -> Benchmark:
    """The benchmark of a file with what the options change.

    Raises
    ------
    SpecError
        If it cannot be studied here, with every problem and its line.
    """
    from mlbench.check import check_file
    from mlbench.collocation.mistakes import mistakes
    from mlbench.collocation.studies import with_study
    from mlbench.errors import SpecError
    from mlbench.spec import Document

    bench, problems = check_file(spec, assignments)
    told = [problem for problem in problems if problem.path[-1:] != ("utilisation",)]
    if told:
        raise SpecError(told)
    bench = with_study(bench, repeats=repeats, seconds=seconds, design=design, against=against)
    if found := mistakes(bench):
        raise SpecError(Document.read(spec).located(found))
    return bench


def _begun(bench: Benchmark, out: str) -> Mapping[str, Ledger]:
    from mlbench.collocation.studies import begun

    return begun(bench, out)


def _resumed(directory: str, repeats: int | None) -> Mapping[str, Ledger]:
    from mlbench.collocation.studies import resumed

    return resumed(Path(directory), repeats=repeats)


def _plan(bench: Benchmark) -> None:
    from mlbench.cli.page import results
    from mlbench.cli.plan import print_plan

    print_plan(bench, results())


def _make(ledgers: Mapping[str, Ledger], as_json: bool) -> int:
    """Make what is planned, and tell what came of it; returns the exit status."""
    from mlbench.cli.interrupts import Interrupts
    from mlbench.cli.page import notes
    from mlbench.cli.steps import Steps
    from mlbench.collocation.conduct import Conductor
    from mlbench.study.study import open_study

    place, page = _place(ledgers), notes()
    page.print(str(place), soft_wrap=True, style="dim")
    with Interrupts() as interrupts, Steps(page, interrupts) as steps:
        Conductor(ledgers, steps).conduct()
    studies = {variant: open_study(ledger.path) for variant, ledger in ledgers.items()}
    summaries = _summaries(studies)
    _tell(studies, summaries, as_json)
    if interrupts.count:
        click.echo(f"interrupted; go on with: mlbench collocate --resume {place}", err=True)
        return INTERRUPTED
    return max(_status(studies[name], found) for name, found in summaries.items())


def _place(ledgers: Mapping[str, Ledger]) -> Path:
    """The directory that holds all of them."""
    first = next(iter(ledgers.values()))
    return first.path if len(ledgers) == 1 else first.path.parent


def _summaries(studies: Mapping[str, Study]) -> dict[str, Json]:
    from mlbench.cli.page import notes

    with notes().status("reading the runs"):
        return {variant: study.summary() for variant, study in studies.items()}


def _tell(studies: Mapping[str, Study], summaries: Mapping[str, Json], as_json: bool) -> None:
    from mlbench.cli.page import results, write_json
    from mlbench.cli.study_report import print_study

    if as_json:
        only = summaries.get("")
        write_json({"placements": dict(summaries)} if only is None else only)
        return
    for variant, study in studies.items():
        print_study(study, variant, summaries[variant], results())


def _status(study: Study, summary: Json) -> int:
    """The exit status of a study that nobody interrupted."""
    if summary["status"] in ("failed", "aborted") or "failed" in _ends(study):
        return FAILED
    return OK if summary["verdict"] == "VALID" else INVALID


def _ends(study: Study) -> Iterator[str]:
    """How the runs ended that count."""
    from mlbench.study.reader import counted

    for entry in counted(study.manifest).values():
        yield "failed" if entry.status == "aborted" else entry.status
