"""A backlog that grows is found; one that comes and goes is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from virtual import MS, SECOND, Integers, Traffic, closed, poisson, record, served

from mlbench.analysis.queries import queries_of
from mlbench.analysis.saturation import Saturation, backlog, saturation

pytestmark = pytest.mark.unit


def found(traffic: Traffic) -> Saturation:
    made = record({"p": traffic}, batch=65_536)
    return saturation(made, "p", queries_of(made, "p"))


def exponential(seed: int, load: float, count: int = 1000) -> Traffic:
    random = np.random.default_rng(seed)
    service = random.exponential(MS, count).astype(np.int64)
    return served(poisson(random, 1000 * load, count), service)


def saturated(load: float, runs: int = 40) -> float:
    return float(np.mean([found(exponential(seed, load)).saturated for seed in range(runs)]))


@pytest.mark.parametrize("load", [0.7, 0.9])
def test_a_stable_queue_is_not_saturated(load: float) -> None:
    assert saturated(load) == 0


def test_an_overloaded_queue_is_saturated() -> None:
    assert saturated(1.2) >= 0.9


def test_the_slope_is_what_comes_in_less_what_goes_out() -> None:
    slope = found(served(np.arange(4000) * MS, MS * 5 // 4)).slope
    assert slope is not None
    assert slope.estimate == pytest.approx(200, rel=0.01)
    assert slope.low == pytest.approx(slope.high, rel=0.1)


def test_a_constant_load_just_below_capacity_is_not_saturated() -> None:
    assert found(served(np.arange(4000) * MS, MS * 99 // 100)).saturated is False


def in_flight(latency: Integers | int) -> Traffic:
    """A pipeline with room for all: each query takes the same time, whatever the others do."""
    made = served(np.arange(200) * MS, 0)
    return replace(made, completions={**made.completions, "done": np.arange(200) * MS + latency})


def test_a_pipeline_that_fills_from_empty_is_not_saturated() -> None:
    assert found(in_flight(80 * MS)).saturated is False


def test_a_closed_load_cannot_be_saturated() -> None:
    assert found(closed([MS] * 50)).saturated is None


def test_a_few_queries_say_nothing() -> None:
    few = found(served(np.arange(5) * MS, SECOND))
    assert few.saturated is None
    assert few.slope is None
    assert few.to_dict() is None
    assert few.reason == "it needs 20 queries that were due, there are 5"


def test_backlog_counts_what_was_due_and_has_not_ended() -> None:
    queries = queries_of(record({"p": served([0, 10, 20], 15)}), "p")
    assert backlog(queries, [-1, 0, 14, 15, 20, 29, 30, 45]).tolist() == [0, 1, 2, 1, 2, 2, 1, 0]
