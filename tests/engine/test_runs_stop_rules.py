"""When loads end: one run in which every pipeline has a rule of its own, and one without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runs_support import NOOP, bench, ended, offsets, outcomes, pipeline, sleep

from mlbench.run import Run

EVERY_5_MS: dict[str, Any] = {"load": {"constant": {"rate": 200}}}
TWO_IN_FLIGHT: dict[str, Any] = {"load": {"closed": {"concurrency": 2}}, "execution": "pipelined"}
IN_THREADS: dict[str, Any] = {**EVERY_5_MS, "execution": "pipelined"}
SLOW = sleep(0.004)

COUNTED: dict[str, tuple[dict[str, Any], int]] = {
    "closed, queries": (pipeline(NOOP, stop={"queries": 20}), 20),
    "closed in threads, queries": (pipeline(NOOP, stop={"queries": 21}, **TWO_IN_FLIGHT), 21),
    "closed, a maximum of queries": (
        pipeline(NOOP, stop={"min_seconds": 60, "max_queries": 22}),
        22,
    ),
    "open, queries": (pipeline(NOOP, stop={"queries": 23}, **EVERY_5_MS), 23),
    "open, seconds": (pipeline(NOOP, stop={"seconds": 0.3}, **EVERY_5_MS), 60),
    "open in threads, seconds": (pipeline(NOOP, stop={"seconds": 0.3}, **IN_THREADS), 60),
    "open, both minima": (
        pipeline(NOOP, stop={"min_seconds": 0.1, "min_queries": 50}, **EVERY_5_MS),
        50,
    ),
    "open, both minima, the other later": (
        pipeline(NOOP, stop={"min_seconds": 0.2, "min_queries": 5}, **EVERY_5_MS),
        40,
    ),
    "open, a maximum of seconds": (
        pipeline(NOOP, stop={"min_queries": 1000, "max_seconds": 0.15}, **EVERY_5_MS),
        30,
    ),
    "open, a maximum of queries": (
        pipeline(NOOP, stop={"min_seconds": 60, "max_queries": 24}, **IN_THREADS),
        24,
    ),
}
TIMED: dict[str, dict[str, Any]] = {
    "closed, seconds": pipeline(SLOW, stop={"seconds": 0.3}),
    "closed in threads, seconds": pipeline(SLOW, stop={"seconds": 0.3}, **TWO_IN_FLIGHT),
    "closed, a maximum of seconds": pipeline(
        SLOW, stop={"min_queries": 10_000, "max_seconds": 0.3}
    ),
}
UNTIL_THE_OTHERS: dict[str, dict[str, Any]] = {
    "no rule": pipeline(SLOW),
    "no rule, open": pipeline(NOOP, **EVERY_5_MS),
    "no rule, in threads": pipeline(SLOW, **TWO_IN_FLIGHT),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    counted = {name: spec for name, (spec, _) in COUNTED.items()}
    pipelines = {**counted, **TIMED, **UNTIL_THE_OTHERS}
    return ended(bench(pipelines, stop=None), tmp_path_factory.mktemp("runs"))


def load_seconds(run: Run, name: str) -> float:
    load = run.manifest["pipelines"][name]["load"]
    return float(load["end_ns"] - load["begin_ns"]) / 1e9


def test_all_end_well(run: Run) -> None:
    assert run.status == "done"
    assert {entry["status"] for entry in run.manifest["pipelines"].values()} == {"done"}


def test_all_share_the_barrier(run: Run) -> None:
    entries = run.manifest["pipelines"].values()
    assert {entry["load"]["begin_ns"] for entry in entries} == {run.manifest["barrier_ns"]}
    for name in run.manifest["pipelines"]:
        assert offsets(run, name)[0] == 0, name


@pytest.mark.parametrize("name", COUNTED)
def test_a_rule_gives_exactly_its_queries(run: Run, name: str) -> None:
    assert outcomes(run, name) == {"done": COUNTED[name][1]}


@pytest.mark.parametrize("name", [name for name in COUNTED if name.startswith("open")])
def test_a_constant_load_is_due_at_its_gaps(run: Run, name: str) -> None:
    assert offsets(run, name) == [5_000_000 * query for query in range(COUNTED[name][1])]


@pytest.mark.parametrize("name", TIMED)
def test_no_query_of_a_timed_load_is_due_after_its_end(run: Run, name: str) -> None:
    assert load_seconds(run, name) == 0.3
    assert max(offsets(run, name)) < 0.3e9
    assert set(outcomes(run, name)) == {"done"}


@pytest.mark.parametrize("name", UNTIL_THE_OTHERS)
def test_a_pipeline_without_a_rule_goes_on_until_the_last_one_ends(run: Run, name: str) -> None:
    assert load_seconds(run, name) >= 0.3
    assert set(outcomes(run, name)) == {"done"}


def test_the_load_of_minima_ends_when_the_later_one_is_reached(run: Run) -> None:
    assert load_seconds(run, "open, both minima, the other later") == 0.2


def test_an_offline_load_is_measured_to_its_last_completion(tmp_path: Path) -> None:
    """Longer than the drain limit, which is for loads that have an end of their own."""
    all_at_once = pipeline(sleep(0.01), load={"offline": {"queries": 60}})
    run = ended(bench({"a": all_at_once}, stop=None, timeouts={"drain": 0.1}), tmp_path)
    found = run.summary()["pipelines"]["a"]
    assert outcomes(run, "a") == {"done": 60}
    assert found["load_seconds"] >= 0.6
    assert found["saturated"] is None
    assert run.summary()["verdict"] == "VALID"
