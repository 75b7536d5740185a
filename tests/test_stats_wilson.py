"""The interval of a share, against published values and its own coverage."""

from __future__ import annotations

from math import comb

import pytest

from mlbench.stats import wilson_interval

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_intervals_are_those_of_newcombe(
    successes: int, trials: int, low: float, high: float
) -> None:
    """Newcombe, Statistics in Medicine 17, 1998, table I: the score method."""
    interval = wilson_interval(successes / trials, trials)
    assert (interval.low, interval.high) == (
        pytest.approx(low, abs=5e-5),
        pytest.approx(high, abs=5e-5),
    )


def test_it_covers_about_what_it_says() -> None:
    trials, share = 30, 0.2
    intervals = [wilson_interval(count / trials, trials) for count in range(trials + 1)]
    covered = sum(
        comb(trials, count) * share**count * (1 - share) ** (trials - count)
        for count, interval in enumerate(intervals)
        if interval.low is not None and interval.high is not None
        if interval.low <= share <= interval.high
    )
    assert covered == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_went_one_way_it_has_a_width_and_stays_inside(share: float) -> None:
    interval = wilson_interval(share, 5)
    assert interval.low is not None
    assert interval.high is not None
    assert 0 <= interval.low < interval.high <= 1


@pytest.mark.parametrize(("share", "trials"), [(0.5, 0), (1.5, 3), (float("nan"), 3)])
def test_what_is_no_share_is_refused(share: float, trials: int) -> None:
    with pytest.raises(ValueError, match="expected a share of 0 to 1 in trials"):
        wilson_interval(share, trials)
