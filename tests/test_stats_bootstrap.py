"""The hierarchical bootstrap: order statistics instead of resamples, blocks above queries."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray

from mlbench.stats import hierarchical_interval, mean_interval, quantile, quantile_draws

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_drawing_an_order_statistic_is_resampling(p: float) -> None:
    """The mean, the spread and the tails of the draws are those of real resamples."""
    random = np.random.default_rng(1)
    values = np.sort(random.lognormal(0, 1, 200))
    real = [quantile(random.choice(values, values.size), p) for _ in range(4000)]
    drawn = quantile_draws(values, p, 4000, random)
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    assert np.quantile(drawn, shares) == pytest.approx(np.quantile(real, shares), rel=0.08)
    assert drawn.mean() == pytest.approx(np.mean(real), rel=0.03)


def test_what_did_not_succeed_is_drawn_as_infinite() -> None:
    random = np.random.default_rng(2)
    values = np.array([1.0] * 95 + [inf] * 5)
    assert set(quantile_draws(values, 0.95, 500, random)) == {1.0, inf}


def test_there_are_no_draws_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile_draws([], 0.5, 3, np.random.default_rng(0))


def test_the_estimate_is_the_mean_of_the_blocks() -> None:
    found = hierarchical_interval([1, 2, 6])
    assert found.estimate == 3
    assert found.low is not None
    assert found.high is not None
    assert 1 <= found.low < 3 < found.high <= 6


def test_one_block_has_no_interval_and_none_no_mean() -> None:
    assert hierarchical_interval([4]).to_dict() == {"estimate": 4, "low": None, "high": None}
    with pytest.raises(ValueError, match="no values"):
        hierarchical_interval([])


def test_each_block_has_its_draws() -> None:
    with pytest.raises(ValueError, match="draws of 2 blocks, got 1"):
        hierarchical_interval([1, 2], [np.zeros(3)])


def test_a_seed_makes_it_repeatable() -> None:
    assert hierarchical_interval([1, 2, 4], seed=5) == hierarchical_interval([1, 2, 4], seed=5)


def test_queries_that_scatter_widen_the_interval_of_equal_blocks() -> None:
    random = np.random.default_rng(3)
    scatter = [random.normal(1, 0.5, 2000) for _ in range(4)]
    still, wide = hierarchical_interval([1.0] * 4), hierarchical_interval([1.0] * 4, scatter)
    assert (still.low, still.high) == (1, 1)
    assert wide.high is not None
    assert wide.high == pytest.approx(1 + 1.96 * 0.5 / 2, rel=0.1)


def test_a_bound_that_is_not_finite_is_null() -> None:
    draws = [np.array([1.0, inf] * 500)] * 3
    found = hierarchical_interval([1, 1, 1], draws)
    assert (found.low, found.high) == (1, None)


def covered(blocks: int, trials: int, bootstrap: bool) -> float:
    random = np.random.default_rng(blocks)
    hits = 0
    for _ in range(trials):
        values: NDArray[np.float64] = random.normal(0, 1, blocks)
        found = hierarchical_interval(values) if bootstrap else mean_interval(values)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0 <= found.high
    return hits / trials


@pytest.mark.parametrize(("blocks", "share"), [(5, 0.84), (10, 0.90), (20, 0.92)])
def test_with_few_blocks_it_covers_less_than_it_says(blocks: int, share: float) -> None:
    """Which is why Student's t is the default: it covers 95 %."""
    assert covered(blocks, 1000, bootstrap=True) == pytest.approx(share, abs=0.035)
    assert covered(blocks, 1000, bootstrap=False) == pytest.approx(0.95, abs=0.025)
