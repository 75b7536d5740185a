"""The queries of a pipeline are the same whatever else runs; blocks differ."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from runs_support import bench, ended, items, offsets, pipeline, sleep, using

from mlbench.run import Run
from mlbench.spec import Window

OPEN: dict[str, dict[str, Any]] = {
    "poisson": {"poisson": {"rate": 200}},
    "constant": {"constant": {"rate": 200}},
    "gamma": {"gamma": {"rate": 200, "cv": 2}},
}
PIPELINES = {
    **{name: pipeline(load=load) for name, load in OPEN.items()},
    "closed": pipeline(sleep(0.001), stop={"queries": 100}),
    "spin": pipeline(using("synthetic.spin", {"seconds": 0.01})),
}
BENCH = bench(PIPELINES)
DRAWN = ("poisson", "gamma")
"""Whose arrivals are random; a constant load has them at its gaps in every block."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ended(BENCH, tmp_path_factory.mktemp("runs"))


def assert_same_queries(one: Run, other: Run, names: Iterable[str]) -> None:
    """One has the queries of the other, and goes on behind them if it is longer."""
    for name in names:
        count = len(items(other, name))
        assert count > 20
        assert items(one, name)[:count] == items(other, name)
        if name in OPEN:
            assert offsets(one, name)[:count] == offsets(other, name)


def test_a_part_of_a_benchmark_keeps_arrivals_items_and_placement(
    whole: Run, tmp_path: Path
) -> None:
    names = [*OPEN, "closed"]
    part = ended(BENCH, tmp_path, only=names)
    assert list(part.manifest["pipelines"]) == names
    assert_same_queries(part, whole, names)
    assert [len(items(part, name)) for name in names] == [len(items(whole, name)) for name in names]
    for name in names:
        places = [run.manifest["pipelines"][name]["placement"] for run in (whole, part)]
        assert places[0] == places[1]


def test_a_window_and_a_plain_run_have_the_same_arrivals(whole: Run, tmp_path: Path) -> None:
    windowed = ended(BENCH, tmp_path, only=OPEN, window=Window(settle=0.2, seconds=0.3))
    assert_same_queries(windowed, whole, OPEN)


def test_asking_for_more_never_changes_the_earlier_ones(whole: Run, tmp_path: Path) -> None:
    longer = ended(bench(PIPELINES, stop={"seconds": 0.6}), tmp_path, only=OPEN)
    assert_same_queries(longer, whole, OPEN)
    assert len(items(longer, "constant")) == 120


def test_blocks_differ(whole: Run, tmp_path: Path) -> None:
    other = ended(BENCH, tmp_path, only=DRAWN, block=1)
    for name in DRAWN:
        assert offsets(other, name)[:20] != offsets(whole, name)[:20]
        assert items(other, name)[:20] != items(whole, name)[:20]
