"""Quantiles, floors, intervals and progress, against numbers that others published."""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbench import stats

pytestmark = pytest.mark.unit

FLOATS = st.floats(-1e9, 1e9, allow_nan=False)


@given(st.lists(FLOATS, min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_is_numpys_inverted_cdf(values: list[float], p: float) -> None:
    assert stats.quantile(values, p) == np.quantile(values, p, method="inverted_cdf")


def test_a_quantile_is_always_one_of_the_values() -> None:
    assert stats.quantile([1, 2, 3, 4], 0.5) == 2


def test_failures_are_infinite_and_reach_the_quantiles_that_they_fill() -> None:
    values = [1.0] * 98 + [inf, inf]
    assert stats.quantiles(values, [0.5, 0.98, 0.99]) == [1.0, 1.0, inf]


def test_there_is_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        stats.quantile([], 0.5)


@pytest.mark.parametrize(("p", "floor"), [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662)])
def test_floors_are_mlperfs(p: float, floor: int) -> None:
    assert stats.quantile_floor(p) == floor
    assert stats.binomial_cdf(1, floor, 1 - p) < 0.01
    assert stats.binomial_cdf(1, floor - 1, 1 - p) >= 0.01


def test_a_tolerance_lowers_the_floor_and_confidence_raises_it() -> None:
    assert stats.quantile_floor(0.99, tolerance=0.005) > stats.quantile_floor(0.98)
    assert stats.quantile_floor(0.99, tolerance=0.005) < stats.quantile_floor(0.99)
    assert stats.quantile_floor(0.99, confidence=0.999) > stats.quantile_floor(0.99)


def test_the_binomial_adds_up() -> None:
    assert stats.binomial_cdf(7, 7, 0.3) == pytest.approx(1)
    assert stats.binomial_cdf(0, 10, 0.1) == pytest.approx(0.9**10)


@pytest.mark.parametrize(
    ("p", "freedom", "t"),
    [  # the usual tables
        (0.975, 1, 12.7062047),
        (0.975, 2, 4.3026527),
        (0.975, 4, 2.7764451),
        (0.975, 19, 2.0930241),
        (0.995, 9, 3.2498355),
        (0.95, 120, 1.6576509),
        (0.975, 1e6, 1.9599664),
    ],
)
def test_student_t_is_the_tables(p: float, freedom: float, t: float) -> None:
    assert stats.student_t_quantile(p, freedom) == pytest.approx(t, rel=1e-6)
    assert stats.student_t_quantile(1 - p, freedom) == pytest.approx(-t, rel=1e-6)


@given(st.floats(0.001, 0.999), st.floats(0.5, 500))
def test_student_t_quantile_inverts_its_distribution(p: float, freedom: float) -> None:
    assert stats.student_t_cdf(stats.student_t_quantile(p, freedom), freedom) == pytest.approx(
        p, abs=1e-9
    )


def test_student_t_of_two_degrees_has_a_closed_form() -> None:
    assert stats.student_t_cdf(1.5, 2) == pytest.approx(0.5 + 1.5 / (2 * sqrt(2 + 1.5**2)))


def test_an_interval_of_five_values() -> None:
    found = stats.mean_interval([1, 2, 3, 4, 5])
    half = 2.7764451 * sqrt(2.5) / sqrt(5)
    assert found.estimate == 3
    assert found.low == pytest.approx(3 - half)
    assert found.high == pytest.approx(3 + half)


def test_one_value_has_no_interval() -> None:
    assert stats.mean_interval([4]) == stats.Interval(4, None, None)
    assert stats.ratio_interval([2], [1]).to_dict() == {
        "estimate": pytest.approx(2),
        "low": None,
        "high": None,
    }


def test_five_blocks_are_covered_as_often_as_promised() -> None:
    random = np.random.default_rng(1)
    found = [stats.mean_interval(random.normal(0, 1, 5)) for _ in range(4000)]
    covered = np.mean([f.low <= 0 <= f.high for f in found if f.low is not None and f.high])
    assert covered == pytest.approx(0.95, abs=0.012)


def test_a_slope_and_its_interval() -> None:
    found = stats.slope_interval([0, 1, 2, 3], [0, 1.1, 1.9, 3])
    assert found.estimate == pytest.approx(0.98)
    error = sqrt(0.018 / 2 / 5)
    assert found.high == pytest.approx(0.98 + stats.student_t_quantile(0.975, 2) * error)


def test_a_slope_needs_two_places() -> None:
    with pytest.raises(ValueError, match="distinct x"):
        stats.slope_interval([1, 1], [0, 5])


def test_a_ratio_is_the_same_whichever_way_up() -> None:
    over = stats.ratio_interval([2, 3, 5], [1, 1, 2])
    under = stats.ratio_interval([1, 1, 2], [2, 3, 5])
    assert over.low is not None
    assert under.high is not None
    assert over.estimate == pytest.approx(1 / under.estimate)
    assert over.low == pytest.approx(1 / under.high)
    assert log(over.estimate) == pytest.approx((log(2) + log(3) + log(2.5)) / 3)


@pytest.mark.parametrize("bad", [0, -1, inf, float("nan")])
def test_a_ratio_refuses_what_has_no_logarithm(bad: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        stats.ratio_interval([1, bad], [1, 1])


def test_a_ratio_needs_pairs() -> None:
    with pytest.raises(ValueError, match="pairs"):
        stats.ratio_interval([1, 2], [1])


def test_undisturbed_pipelines_are_perfect_in_every_metric() -> None:
    alone = [1.0, 1.0, 1.0]
    assert (stats.stp(alone), stats.antt(alone)) == (3, 1)
    assert (stats.jain(alone), stats.fairness(alone)) == (1, 1)


def test_progress_metrics_of_two_pipelines() -> None:
    progress = [0.8, 0.4]
    assert stats.stp(progress) == pytest.approx(1.2)
    assert stats.antt(progress) == pytest.approx((1.25 + 2.5) / 2)
    assert stats.jain(progress) == pytest.approx(1.44 / (2 * 0.8))
    assert stats.fairness(progress) == pytest.approx(0.5)


@pytest.mark.parametrize("metric", [stats.stp, stats.antt, stats.jain, stats.fairness])
@pytest.mark.parametrize("bad", [[], [1.0, 0.0], [inf]])
def test_progress_metrics_refuse_what_is_not_progress(metric: object, bad: list[float]) -> None:
    assert callable(metric)
    with pytest.raises(ValueError, match="progress"):
        metric(bad)
