"""``mlbench collocate``: each pipeline alone and together, in blocks; what slowed down."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlbench.cli.options import set_option
from mlbench.cli.status import FAILED, INTERRUPTED, INVALID, OK

if TYPE_CHECKING:
    from mlbench.cli.interrupts import Interrupts
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
  mlbench collocate --resume runs/20260102-030405-rag-1a2b --repeats 10 --plan
  mlbench collocate --resume runs/20260102-030405-rag-1a2b --repeats 10
\b
Exit status:
  0    done, and the verdict is VALID
  1    a pipeline, or an engine, ended by failure in every attempt, or a pipeline completes
       nothing even alone
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
@click.option("--plan", is_flag=True, help="Show the runs that are to be made; make none.")
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
    INVALID for any other cause is kept, and its block is left out. Where all queries of a
    pipeline fail although it is alone, the study ends.
    """
    if (spec is None) == (resume is None):
        raise click.UsageError("name a SPEC, or a study with --resume DIR")
    from mlbench.cli.interrupts import Interrupts

    with Interrupts() as interrupts:  # from before the imports, which take a moment
        if resume is not None:
            _refuse_with_resume(seconds, design, against, assignments)
            resume = _located(resume, out)
            if plan:
                sys.exit(_plan_left(resume, repeats))
            sys.exit(_studied(lambda: _resumed(resume, repeats), as_json, interrupts))
        assert spec is not None
        bench = _benchmark(spec, assignments, repeats, seconds, design, against)
        if plan:
            sys.exit(_plan(bench))
        sys.exit(_studied(lambda: _begun(bench, out), as_json, interrupts))


def _refuse_with_resume(*given: object) -> None:
    if any(given):
        raise click.UsageError("a study that is resumed keeps its spec: only --repeats may grow")


def _located(resume: str, out: str) -> str:
    from mlbench.cli.find import located

    return str(located(resume, Path(out), "study"))


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
    from mlbench.spec.edit import override

    bench, problems = check_file(spec, assignments, in_study=True)
    if problems:
        raise SpecError(problems)
    bench = with_study(bench, repeats=repeats, seconds=seconds, design=design, against=against)
    if found := mistakes(bench):
        raise SpecError(override(Document.read(spec), assignments, "--set").located(found))
    return bench


def _begun(bench: Benchmark, out: str) -> Mapping[str, Ledger]:
    from mlbench.collocation.studies import begun

    return begun(bench, out)


def _resumed(directory: str, repeats: int | None) -> Mapping[str, Ledger]:
    from mlbench.collocation.studies import resumed

    return resumed(Path(directory), repeats=repeats)


def _plan(bench: Benchmark) -> int:
    from mlbench.cli.page import results
    from mlbench.cli.plan import print_plan

    print_plan(bench, results())
    return OK


def _plan_left(directory: str, repeats: int | None) -> int:
    from mlbench.cli.page import results
    from mlbench.cli.plan import print_left
    from mlbench.collocation.studies import drafted

    print_left(drafted(Path(directory), repeats), results())
    return OK


def _studied(
    opened: Callable[[], Mapping[str, Ledger]], as_json: bool, interrupts: Interrupts
) -> int:
    """Make what is planned, and tell what came of it; returns the exit status."""
    from mlbench.cli.needed import needed
    from mlbench.study.study import open_study

    if _is_interrupted(interrupts):
        click.echo("interrupted before anything was made", err=True)
        return INTERRUPTED
    ledgers = opened()
    _make(ledgers, interrupts)
    studies = {variant: open_study(ledger.path) for variant, ledger in ledgers.items()}
    summaries, place = _summaries(studies), _place(ledgers)
    _tell(studies, summaries, as_json, interrupted=_is_interrupted(interrupts))
    if _is_interrupted(interrupts):
        click.echo(f"interrupted; go on with: mlbench collocate --resume {place}", err=True)
        return INTERRUPTED
    for line in needed(studies, summaries, place):
        click.echo(line, err=True)
    statuses = {_status(studies[name], found) for name, found in summaries.items()}
    return FAILED if FAILED in statuses else max(statuses)


def _is_interrupted(interrupts: Interrupts) -> bool:
    """Whether somebody has pressed Ctrl-C until now."""
    return interrupts.count > 0


def _make(ledgers: Mapping[str, Ledger], interrupts: Interrupts) -> None:
    """Make what is planned, and show how it goes on."""
    from mlbench.cli.page import notes
    from mlbench.cli.steps import Steps
    from mlbench.collocation.conduct import Conductor

    page = notes()
    page.print(str(_place(ledgers)), soft_wrap=True, style="dim")
    with Steps(page, interrupts) as steps:
        Conductor(ledgers, steps).conduct()


def _place(ledgers: Mapping[str, Ledger]) -> Path:
    """The directory that holds all of them."""
    first = next(iter(ledgers.values()))
    return first.path if len(ledgers) == 1 else first.path.parent


def _summaries(studies: Mapping[str, Study]) -> dict[str, Json]:
    from mlbench.cli.page import notes

    with notes().status("reading the runs"):
        return {variant: study.summary() for variant, study in studies.items()}


def _tell(
    studies: Mapping[str, Study], summaries: Mapping[str, Json], as_json: bool, interrupted: bool
) -> None:
    """Print each study; of one that was interrupted before it had a number there is nothing."""
    from mlbench.cli.page import results, write_json
    from mlbench.cli.study_report import has_numbers, print_study

    if as_json:
        only = summaries.get("")
        write_json({"placements": dict(summaries)} if only is None else only)
        return
    for variant, study in studies.items():
        if has_numbers(summaries[variant]) or not interrupted:
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
