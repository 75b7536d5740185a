"""How often the intervals hold what they should, on queues that no theory makes easy.

Arrivals come in bursts (their gaps are autocorrelated), service is heavy-tailed, queries
wait for each other, and a block is one window of 600 queries. The second run has the same
arrivals and the same work, each taking longer by a factor that varies from run to run. The
truth is the mean of many more blocks. With windows half as long, the logarithms are more
skewed, and the interval of the median covers 92 %.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mlbench.analysis.sides import ratio
from mlbench.study.estimate import Method, ratio_over

pytestmark = pytest.mark.unit

Matrix = NDArray[np.float64]

QUERIES, BLOCKS, STUDIES = 600, 5, 3000
CHUNK = 2500


def arrivals(random: np.random.Generator, blocks: int) -> Matrix:
    """Due times in units of the mean gap: the rate follows a slow random walk."""
    walk = np.zeros((blocks, QUERIES))
    for i in range(1, QUERIES):
        walk[:, i] = 0.9 * walk[:, i - 1] + random.normal(0, 0.25, blocks)
    gaps = random.exponential(1, (blocks, QUERIES)) * np.exp(walk)
    return np.cumsum(gaps, axis=1)


def heavy(random: np.random.Generator, blocks: int) -> Matrix:
    """Service by a Pareto law of index 2.5: a finite variance, and no third moment."""
    return 0.45 * (1 + random.pareto(2.5, (blocks, QUERIES))) * 1.5 / 2.5


def latencies(due: Matrix, service: Matrix) -> Matrix:
    """One server, first come first served: Lindley's recursion, solved for all queries."""
    work = np.cumsum(service, axis=1)
    done = work + np.maximum.accumulate(due - (work - service), axis=1)
    return done - due


def log_ratios(seed: int, blocks: int) -> dict[str, NDArray[np.float64]]:
    """The logarithm of the slowdown of each block, by metric."""
    seeds = np.random.SeedSequence(seed).spawn(blocks // CHUNK)
    parts = [_log_ratios(np.random.default_rng(each), CHUNK) for each in seeds]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _log_ratios(random: np.random.Generator, blocks: int) -> dict[str, NDArray[np.float64]]:
    due, service = arrivals(random, blocks), heavy(random, blocks)
    slower = np.exp(random.normal(np.log(1.3), 0.05, (blocks, 1)))
    alone, together = latencies(due, service), latencies(due, service * slower)
    found = {"mean": np.log(together.mean(axis=1) / alone.mean(axis=1))}
    for key, p in (("p50", 0.5), ("p90", 0.9)):
        one, two = (np.quantile(x, p, axis=1, method="inverted_cdf") for x in (alone, together))
        found[key] = np.log(two / one)
    return found


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    """The mean over many more blocks than a study has."""
    return {key: float(values.mean()) for key, values in log_ratios(1, 8 * CHUNK).items()}


@pytest.fixture(scope="module")
def blocks() -> dict[str, NDArray[np.float64]]:
    """The ratios of all blocks of many studies, shape (studies, blocks)."""
    found = log_ratios(2, STUDIES * BLOCKS)
    return {key: np.exp(values).reshape(STUDIES, BLOCKS) for key, values in found.items()}


@pytest.mark.parametrize("metric", ["mean", "p50", "p90"])
def test_the_default_interval_of_five_blocks_covers_95_percent(
    metric: str, truth: dict[str, float], blocks: dict[str, NDArray[np.float64]]
) -> None:
    hits = 0
    for values in blocks[metric]:
        sides = {number: ratio(1.0, float(value)) for number, value in enumerate(values)}
        found = ratio_over(sides, Method())
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= np.exp(truth[metric]) <= found.high
    assert hits / STUDIES >= 0.93


def test_pooled_queries_would_promise_far_too_much() -> None:
    """What the design forbids: an interval from all queries, as if they were independent."""
    random = np.random.default_rng(7)
    due, service = arrivals(random, 300), heavy(random, 300)
    slower = np.exp(random.normal(np.log(1.3), 0.05, (300, 1)))
    logs = np.log(latencies(due, service * slower) / latencies(due, service))
    centre = float(logs.mean())
    error = 1.96 * logs.std(axis=1, ddof=1) / np.sqrt(QUERIES)
    covered = np.abs(logs.mean(axis=1) - centre) <= error
    assert covered.mean() < 0.6
