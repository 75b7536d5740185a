"""``mlbench check``: every mistake in a spec, or a picture of what it describes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from mlbench.cli.options import set_option
from mlbench.cli.status import BAD_INPUT

if TYPE_CHECKING:
    from mlbench.errors import Problem
    from mlbench.spec import Benchmark

__all__ = ["checked", "command"]


@click.command(
    "check",
    epilog="""
\b
Examples:
  mlbench check examples/vision_beside_training.yml
  mlbench check spec.yml --set pipelines.rag.load.poisson.rate=2
  mlbench check spec.yml --json | jq '.problems[].key'
\b
Exit status:
  0  the spec can run here, or be studied
  2  it cannot; each problem is a line FILE:LINE:COLUMN: KEY: MESSAGE (HINT)
""",
)
@click.argument("spec")
@set_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print {ok, problems, notes} as one JSON document."
)
def command(spec: str, assignments: Sequence[str], as_json: bool) -> None:
    """Check SPEC, a YAML file, against this machine without running it.

    All mistakes are found at once: unknown keys with the nearest known one, stages that do
    not fit each other, cycles without an end, processors that are not there. A spec without
    any is drawn: each pipeline with its load, its place and its graph. Of a load that is a
    share of the capacity it is told that only `mlbench collocate` takes it.
    """
    bench, problems = checked(spec, assignments)
    notes = list(_notes(bench)) if bench is not None and not problems else []
    if as_json:
        from mlbench.cli.page import write_json

        told = [_plain(problem) for problem in problems]
        write_json({"ok": not problems, "problems": told, "notes": notes})
    elif bench is not None and not problems:
        _draw(bench, notes)
    else:
        _tell(problems)
    sys.exit(BAD_INPUT if problems else 0)


def checked(spec: str, assignments: Sequence[str]) -> tuple[Benchmark | None, list[Problem]]:
    """The benchmark of a file, null if there is none in it, and all its problems."""
    from mlbench.check import check_file
    from mlbench.check.reading import read
    from mlbench.collocation.capacity import wrong_utilisations
    from mlbench.errors import SpecError
    from mlbench.spec.edit import override

    try:
        bench, problems = check_file(spec, assignments, in_study=True)
    except SpecError as error:
        return None, list(error.problems)
    if shares := list(wrong_utilisations(bench)):
        problems += override(read(spec), assignments, "--set").located(shares)
    return bench, problems


def _notes(bench: Benchmark) -> Iterator[str]:
    """What only a study can make of the spec."""
    for name, pipeline in bench.pipelines.items():
        if pipeline.load.utilisation is not None:
            rate = f"load: {{{pipeline.load.name}: {{rate: ...}}}}"
            yield (
                f"{name}: mlbench collocate measures its capacity first; mlbench run needs a "
                f"rate, {rate}"
            )


def _tell(problems: Sequence[Problem]) -> None:
    from mlbench.cli.failure import told
    from mlbench.errors import SpecError

    told(SpecError(problems))
    count = len(problems)
    click.echo(f"{count} problem{'s' * (count != 1)}", err=True)


def _plain(problem: Problem) -> dict[str, Any]:  # Any: JSON
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "key": problem.key,
        "message": problem.message,
        "hint": problem.hint,
    }


def _draw(bench: Benchmark, notes: Sequence[str]) -> None:
    from rich.text import Text

    from mlbench.cli.overview import print_overview
    from mlbench.cli.page import results
    from mlbench.cli.text import plain

    page = results()
    print_overview(bench, page)
    for note in notes:
        page.print()
        page.print(Text(plain(note)))
