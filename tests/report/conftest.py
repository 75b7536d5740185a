"""Reports are of the runs and studies that the figures are drawn from."""

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


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Three blocks of two pipelines."""
    from figure_data import group_study

    return group_study(tmp_path_factory.mktemp("study"), blocks=3)
