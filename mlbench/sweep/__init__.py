"""Sweeps: notebooks and specs executed over parameters, in blocks, and one tidy table of all.

A sweep has a plan (`mlbench.sweep.plan` has every key in an example) and a directory, which
says at every moment what is executed and what is not. One that was cut off, however, goes on
where it stopped::

    sweep = mlbench.sweep.run("plan.yml")
    sweep.results()  # a pandas DataFrame; mlbench.sweep.results(path) makes it at any time
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlbench.lazy import lazily

if TYPE_CHECKING:
    from mlbench.sweep.conduct import resume, run
    from mlbench.sweep.opened import Sweep, open_sweep
    from mlbench.sweep.plan import Parameters, Plan, load_plan
    from mlbench.sweep.progress import SweepProgress
    from mlbench.sweep.recording import record
    from mlbench.sweep.table import results

_HOME = {
    "Parameters": "plan",
    "Plan": "plan",
    "Sweep": "opened",
    "SweepProgress": "progress",
    "load_plan": "plan",
    "open_sweep": "opened",
    "record": "recording",
    "results": "table",
    "resume": "conduct",
    "run": "conduct",
}

__all__ = [
    "Parameters",
    "Plan",
    "Sweep",
    "SweepProgress",
    "load_plan",
    "open_sweep",
    "record",
    "results",
    "resume",
    "run",
]

__getattr__, __dir__ = lazily(__name__, _HOME)
