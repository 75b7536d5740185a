"""All commands by name, with a line for each. They load what they need when they are used."""

from __future__ import annotations

import click

from mlbench import __version__
from mlbench.cli.group import LazyGroup

__all__ = ["commands"]

_COMMANDS = {
    "run": "Run a benchmark and show what it measured.",
    "collocate": "Study how much pipelines slow each other down.",
    "sweep": "Execute a notebook or a spec over parameters, as a plan says.",
    "check": "Check a spec and draw its pipelines, without running it.",
    "show": "Show a run, a study or a sweep: verdict, rates, latencies, stages.",
    "runs": "List the runs, studies and sweeps in a directory, newest first.",
    "monitor": "Record the machine and its GPUs, with a live table.",
    "figures": "Draw the standard figures of a run or a study for a paper.",
    "report": "Write a run or a study as one page that needs nothing else.",
    "export": "Write a run or a study as a trace, CSV, Parquet or LaTeX.",
    "stages": "List the stage library, or explain one stage.",
    "loads": "List the loads, or explain one.",
    "spec": "Explain the fields of a spec, or of the plan of a sweep.",
    "doctor": "Say what on this machine helps or hurts a measurement.",
    "lab": "Open JupyterLab, with notebooks to start from.",
}

_EPILOG = """
\b
Examples:
  mlbench check examples/vision_beside_training.yml
  mlbench run examples/vision_beside_training.yml --set stop.seconds=10
  mlbench collocate examples/two_on_one_core.yml
  mlbench show last
  mlbench stages vision.classify

`mlbench COMMAND --help` explains a command and its exit statuses.
"""


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="mlbench", message="%(prog)s %(version)s")
def commands() -> None:
    """Measure what happens when machine-learning pipelines share a machine.

    A spec, a YAML file, names pipelines: graphs of stages with their data and load. `run`
    executes them side by side in processes of their own and writes a run directory, which
    `show` reads, while the run goes on and ever after.
    """
