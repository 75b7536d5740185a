"""Exports are of the runs and studies that the figures are drawn from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlbench.run import Run
from mlbench.study.study import Study

for folder in ("analysis", "study", "figures"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that the real engine made."""
    from figure_data import hostile_run

    return hostile_run(tmp_path_factory.mktemp("runs"))


def study_of(path: Path, blocks: int) -> Study:
    """``search``, and ``train`` of which a run has 40 queries; they slow each other down."""
    from figure_data import open_traffic
    from recorded import Plan, blocks_of

    alone = {
        "search": [open_traffic(i, 4.0, 900) for i in range(blocks)],
        "train": [open_traffic(i, 60, 40) for i in range(blocks)],
    }
    together = {
        "search": [open_traffic(i, 6.5 + i / 9, 900) for i in range(blocks)],
        "train": [open_traffic(i, 90 + i, 40) for i in range(blocks)],
    }
    return Plan(blocks_of(alone, together)).write(path)


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Three blocks, as few as make a study VALID."""
    return study_of(tmp_path_factory.mktemp("study"), blocks=3)


@pytest.fixture(scope="session")
def invalid_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Two blocks: too few."""
    return study_of(tmp_path_factory.mktemp("invalid"), blocks=2)
