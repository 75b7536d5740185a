"""Arrival processes: pure generators, with the rates and shapes that they say."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from itertools import islice, pairwise
from random import Random
from statistics import mean, stdev

import pytest
from pydantic import ValidationError

from mlbench.interfaces.load import ClosedLoad, LoadModel, OpenLoad
from mlbench.loads.closed import Closed
from mlbench.loads.constant import Constant
from mlbench.loads.gamma import Gamma
from mlbench.loads.mlperf import MultiStream, Server, SingleStream
from mlbench.loads.offline import Offline
from mlbench.loads.poisson import Poisson
from mlbench.loads.ramp import Ramp
from mlbench.loads.steps import Steps

pytestmark = pytest.mark.unit

OPEN = [
    Constant(rate=1000),
    Poisson(rate=1000),
    Gamma(rate=1000, cv=2),
    Ramp(start=100, end=2000, seconds=1),
    Steps(rates=(500, 1500, 0, 100), seconds=1),
    Offline(queries=1000),
    Server(rate=1000),
]


def due(load: OpenLoad, count: int, seed: int = 7) -> list[int]:
    return list(islice(load.due(Random(seed)), count))


def gaps_s(load: OpenLoad, count: int) -> list[float]:
    return [(b - a) / 1e9 for a, b in pairwise(due(load, count))]


@pytest.mark.parametrize("load", OPEN, ids=lambda load: type(load).__name__)
def test_asking_for_more_never_changes_the_earlier_ones(load: OpenLoad) -> None:
    assert due(load, 500)[:50] == due(load, 50)


@pytest.mark.parametrize("load", OPEN, ids=lambda load: type(load).__name__)
def test_due_times_are_whole_nanoseconds_in_order_and_not_negative(load: OpenLoad) -> None:
    times = due(load, 1000)
    assert all(type(time) is int for time in times)
    assert times[0] >= 0
    assert all(a <= b for a, b in pairwise(times))


@pytest.mark.parametrize(
    "load", [Poisson(rate=9), Gamma(rate=9, cv=3), Ramp(start=1, end=9, seconds=9)]
)
def test_seeds_differ(load: OpenLoad) -> None:
    assert due(load, 20, seed=1) != due(load, 20, seed=2)


def test_constant_does_not_drift() -> None:
    last = next(islice(Constant(rate=3).due(Random(0)), 3_000_000, None))
    assert last == 1_000_000 * 10**9


def test_poisson_gaps_have_mean_and_deviation_of_one_over_rate() -> None:
    gaps = gaps_s(Poisson(rate=50), 40_000)
    assert mean(gaps) == pytest.approx(0.02, rel=0.02)
    assert stdev(gaps) == pytest.approx(0.02, rel=0.03)


@pytest.mark.parametrize("cv", [0.25, 1, 3])
def test_gamma_gaps_have_the_coefficient_of_variation_that_it_says(cv: float) -> None:
    gaps = gaps_s(Gamma(rate=50, cv=cv), 60_000)
    assert mean(gaps) == pytest.approx(0.02, rel=0.04)
    assert stdev(gaps) / mean(gaps) == pytest.approx(cv, rel=0.05)


def per_second(times: Iterator[int], seconds: int) -> list[int]:
    counts = [0] * seconds
    for time in times:
        if time >= seconds * 10**9:
            break
        counts[time // 10**9] += 1
    return counts


def test_a_ramp_grows_from_start_to_end_and_stays_there() -> None:
    counts = per_second(Ramp(start=0, end=1000, seconds=10).due(Random(3)), 15)
    expected = [50 + 100 * second for second in range(10)] + [1000] * 5
    assert counts == [pytest.approx(value, abs=6 * value**0.5) for value in expected]


def test_a_ramp_may_fall_and_may_be_flat() -> None:
    falling = per_second(Ramp(start=1000, end=100, seconds=4).due(Random(3)), 4)
    assert falling == sorted(falling, reverse=True)
    assert sum(per_second(Ramp(start=500, end=500, seconds=4).due(Random(3)), 4)) == pytest.approx(
        2000, abs=200
    )


def test_steps_hold_each_rate_for_its_time_and_then_end() -> None:
    times = list(Steps(rates=(200, 0, 1000), seconds=2).due(Random(5)))
    counts = [sum(step * 2e9 <= time < (step + 1) * 2e9 for time in times) for step in range(4)]
    assert counts == [
        pytest.approx(400, abs=100), 0, pytest.approx(2000, abs=250), 0
    ]  # fmt: skip


def test_offline_is_all_due_at_once_and_lasts_until_the_last_completion() -> None:
    assert due(Offline(queries=5), 10) == [0] * 5
    assert Offline.until_last_completion


def test_the_scenarios_of_mlperf_are_there_by_name() -> None:
    registered = entry_points(group="mlbench.loads")
    found = {entry.name: entry.load() for entry in registered}
    assert issubclass(found["single_stream"], ClosedLoad)
    assert issubclass(found["multi_stream"], ClosedLoad)
    assert issubclass(found["server"], Poisson)
    assert issubclass(found["offline"], OpenLoad)
    assert SingleStream().in_flight == MultiStream().in_flight == 1
    assert due(Server(rate=3), 9) == due(Poisson(rate=3), 9)


@pytest.mark.parametrize(
    ("load", "options"),
    [
        (Closed, {"concurrency": 0}),
        (Constant, {"rate": 0}),
        (Poisson, {"rate": -1}),
        (Poisson, {"rate": float("nan")}),
        (Gamma, {"rate": 1, "cv": 0}),
        (Ramp, {"start": -1, "end": 1, "seconds": 1}),
        (Ramp, {"start": 1, "end": 1, "seconds": 0}),
        (Steps, {"rates": [], "seconds": 1}),
        (Offline, {"queries": 0}),
    ],
)
def test_what_is_no_load_is_refused(load: type[LoadModel], options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        load.model_validate(options)
