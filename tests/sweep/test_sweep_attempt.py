"""One attempt at a point: what its process tells comes whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from sweep_support import notebook, plan

from mlbench.sweep.attempt import PointAttempt
from mlbench.sweep.foreign import Watch
from mlbench.sweep.layout import read_plan
from mlbench.sweep.outcome import Outcome
from mlbench.sweep.planning import begin
from mlbench.sweep.resources import Resources
from mlbench.sweep.state import CONTAMINATED, PointState, read_state


class Talkative(PointAttempt):
    """A point that has more reasons than a pipe holds while nobody reads it."""

    def _execute(self) -> Outcome:
        return Outcome(CONTAMINATED, reasons=tuple(f"reason {i} " + "x" * 1000 for i in range(300)))


@pytest.mark.timeout(60)
def test_an_outcome_of_any_length_is_told(tmp_path: Path) -> None:
    directory = begin(plan(notebook(tmp_path / "tiny.ipynb")), tmp_path / "runs")
    manifest = read_plan(directory)
    point = manifest.points[0]
    attempt = Talkative(directory.resolve(), manifest, point, PointState())
    assert attempt.make(Watch(manifest, Resources((0,), (), ())), {}, lambda: False)
    state = read_state(directory, point.id)
    assert state.status == CONTAMINATED
    assert len(state.reasons) == 300
    assert state.reasons[-1].startswith("reason 299 ")
