"""Recorded runs and studies that figures are drawn from: one of a real engine, the rest written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mlbench.run import Run
from mlbench.study.study import Study

for folder in ("analysis", "study"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that the real engine made: an open and a closed pipeline, one with a hostile name."""
    from figure_data import hostile_run

    return hostile_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def group(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Five blocks of two pipelines, with queries enough for a p99."""
    from figure_data import group_study

    return group_study(tmp_path_factory.mktemp("group"))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Three blocks of three pipelines, every two together."""
    from figure_data import pairs_study

    return pairs_study(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="session")
def against(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Three blocks of two pipelines beside a co-tenant at three dials."""
    from figure_data import against_study

    return against_study(tmp_path_factory.mktemp("against"))


@pytest.fixture
def save(tmp_path: Path) -> Any:
    """Save a chart, with what is wrong as an error, and give the file's bytes."""
    import warnings

    from mlbench.figures import FigureWarning
    from mlbench.figures import save as save_to

    def saved(chart: Any, name: str = "figure.pdf", **options: Any) -> Path:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FigureWarning)
            # a real run on a busy machine may be INVALID, which is no fault of the figure
            warnings.filterwarnings("ignore", "[^:]*: The run is INVALID", FigureWarning)
            return save_to(chart, tmp_path / name, **options).path

    return saved
