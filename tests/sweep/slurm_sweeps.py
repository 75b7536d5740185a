"""Small sweeps for Slurm: runs of one query, in blocks of two points."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlbench.sweep.executor import executor_named
from mlbench.sweep.layout import SweepManifest, read_plan
from mlbench.sweep.plan import Plan
from mlbench.sweep.planning import begin
from mlbench.sweep.state import PointState, states, unfinished

__all__ = ["Sweep", "begun"]

SPEC = """\
name: tiny
stop: {queries: 1}
pipelines:
  one:
    data: {uses: synthetic.items}
    place: {cpus: [0]}
    stages: {wait: {uses: synthetic.sleep, with: {seconds: 0}}}
"""

SECONDS = "pipelines.one.stages.wait.with.seconds"
CALM = {"foreign_share": 1, "steal_share": 1, "contexts": False}


def begun(folder: Path, seconds: list[float], repeats: int = 2) -> Sweep:
    """A sweep of which nothing is executed yet: a point for each of these lengths of a query."""
    spec = folder / "tiny.yml"
    spec.write_text(SPEC)
    plan = Plan.model_validate(
        {
            "spec": str(spec),
            "make": "run",
            "parameters": {"grid": {SECONDS: seconds}},
            "repeats": repeats,
            "timeouts": {"whole": 60},
            "devices": ["cpu"],
            "contamination": CALM,  # two nodes on one machine disturb each other
        }
    )
    return Sweep(begin(plan, folder / "runs"))


@dataclass(frozen=True)
class Sweep:
    """A sweep's directory, and what a test does with it."""

    path: Path

    @property
    def manifest(self) -> SweepManifest:
        return read_plan(self.path)

    @property
    def states(self) -> dict[str, PointState]:
        return states(self.path, [point.id for point in self.manifest.points])

    @property
    def statuses(self) -> list[str]:
        return [state.status for state in self.states.values()]

    @property
    def left(self) -> list[str]:
        return unfinished(self.manifest, self.states)

    def run(self, on: str, *options: str, follow: Callable[[], int] = lambda: 0) -> None:
        """Execute what is left, as `mlbench sweep` does."""
        executor_named(on, options).run(self.path, self.left, follow)

    def times(self, block: str) -> tuple[float, float]:
        """When the first point of a block began, and the last one ended."""
        found = [self.states[point] for point in self.manifest.block(block).points]
        return min(s.began or 0 for s in found), max(s.ended or 0 for s in found)

    def runs(self) -> list[int]:
        """How many runs were made of each point, whatever came of them."""
        folders = [self.path / "points" / point for point in self.states]
        return [len(list(folder.rglob("spec.json"))) for folder in folders]


def asks_when(holds: Callable[[], Any], patience_s: float = 40.0) -> Callable[[], int]:
    """A follower that asks for the end once something holds."""
    end_s = time.monotonic() + patience_s
    asked = 0

    def follow() -> int:
        nonlocal asked
        assert time.monotonic() < end_s, "it did not come to that"
        asked = asked or int(bool(holds()))
        return asked

    return follow
