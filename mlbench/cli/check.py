"""``mlbench check``: every mistake in a spec, or a picture of what it describes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
  0  the spec can run here
  2  it cannot; each problem is a line FILE:LINE:COLUMN: KEY: MESSAGE (HINT)
""",
)
@click.argument("spec")
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print {ok, problems} as one JSON document.")
def command(spec: str, assignments: Sequence[str], as_json: bool) -> None:
    """Check SPEC, a YAML file, against this machine without running it.

    All mistakes are found at once: unknown keys with the nearest known one, stages that do
    not fit each other, cycles without an end, processors that are not there. A spec without
    any is drawn: each pipeline with its load, its place and its graph.
    """
    bench, problems = checked(spec, assignments)
    if as_json:
        from mlbench.cli.page import write_json

        write_json({"ok": not problems, "problems": [_plain(problem) for problem in problems]})
    elif bench is not None and not problems:
        _draw(bench)
    else:
        _tell(problems)
    sys.exit(BAD_INPUT if problems else 0)


def checked(spec: str, assignments: Sequence[str]) -> tuple[Benchmark | None, list[Problem]]:
    """The benchmark of a file, null if there is none in it, and all its problems."""
    from mlbench.check import check_file
    from mlbench.errors import SpecError

    try:
        return check_file(spec, assignments)
    except SpecError as error:
        return None, list(error.problems)


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


def _draw(bench: Benchmark) -> None:
    from mlbench.cli.overview import print_overview
    from mlbench.cli.page import results

    print_overview(bench, results())
