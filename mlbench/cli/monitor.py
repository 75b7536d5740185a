"""``mlbench monitor``: record the machine, or watch what a run records of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from mlbench.cli.options import set_option
from mlbench.cli.status import FAILED, OK

if TYPE_CHECKING:
    from mlbench.cli.gauges import Gauges
    from mlbench.run import Run
    from mlbench.spec import Benchmark

__all__ = ["command"]

FOREVER_S = 10_000_000


@click.command(
    "monitor",
    epilog="""
\b
Examples:
  mlbench monitor                          until Ctrl-C
  mlbench monitor --seconds 60 --out /data/runs
  mlbench monitor --set telemetry.rates.fast=100 --set telemetry.probes.gpm=off
  mlbench monitor runs/20260102-030405-rag-1a2b    what that run records, while it goes on
\b
Exit status:
  0  recorded, until its time was over or Ctrl-C
  1  the engine ended by failure
  2  there is no such run, or a wrong option
""",
)
@click.argument("run", required=False)
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), help="Default: until Ctrl-C."
)
@click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="Where the recording goes."
)
@set_option
def command(run: str | None, seconds: float | None, out: str, assignments: Sequence[str]) -> None:
    """Record the machine with its GPUs, without any pipeline; or watch RUN while it goes on.

    A recording is a run without pipelines: it may be made beside anything else, and `show`,
    notebooks and figures open it as they open any run. A live table shows the last value, the
    mean and the range of each metric; the increase of a counter is shown per second.
    """
    from mlbench.cli.page import results

    if run is not None:
        found, gauges = _watch(run)
    else:
        found, gauges = _record(_recording(seconds, assignments), out)
    _print(found, gauges)
    results().print(f"{found.path}", soft_wrap=True, style="dim")
    sys.exit(FAILED if found.status in ("failed", "aborted") else OK)


def _recording(seconds: float | None, assignments: Sequence[str]) -> Benchmark:
    from mlbench.spec.document import Document
    from mlbench.spec.edit import override

    data = {"name": "monitor", "stop": {"seconds": seconds or FOREVER_S}}
    return override(Document(data, {}, "monitor"), assignments, "--set").benchmark()


def _record(bench: Benchmark, out: str) -> tuple[Run, Gauges]:
    """Record until the time is over, or somebody interrupts it."""
    from mlbench.cli.dashboard import show
    from mlbench.cli.interrupts import Interrupts
    from mlbench.run import start

    with Interrupts() as interrupts:
        run = start(bench, out)
        interrupts.watch(run)
        return run, show(run, interrupts, until_interrupted=False)


def _watch(argument: str) -> tuple[Run, Gauges]:
    """Look at a run until it ends, or somebody interrupts this: the run goes on then."""
    from mlbench.cli.dashboard import show
    from mlbench.cli.find import find_run
    from mlbench.cli.interrupts import Interrupts

    run = find_run(argument)
    with Interrupts() as interrupts:
        return run, show(run, interrupts, until_interrupted=True)


def _print(run: Run, gauges: Gauges) -> None:
    """The table as it is at the end, what is not in it, and what to know about it."""
    from rich.text import Text

    from mlbench.cli.dashboard import gauge_table
    from mlbench.cli.page import results
    from mlbench.cli.text import plain

    page, manifest = results(), run.manifest
    page.print(gauge_table(gauges, manifest))
    for note in (manifest.get("telemetry") or {}).get("notes", ()):
        page.print(Text(plain(note), style="yellow"))
    for reason, names in _missing(manifest).items():
        page.print(Text(f"not read: {', '.join(names)}: {plain(reason)}", style="dim"))


def _missing(manifest: Mapping[str, Any]) -> dict[str, list[str]]:  # Any: JSON
    """The metrics that no device has, by the reason why."""
    found: dict[str, list[str]] = {}
    for metric in manifest.get("metrics") or ():
        if reason := metric["null_reasons"].get(""):
            found.setdefault(reason, []).append(metric["name"])
    return found
