"""Latency and rates against queueing theory, and what failures do to them."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, closed, poisson, record, served

from mlbench.analysis.latency import distribution_ms, lateness_ns, times_ns
from mlbench.analysis.periods import load_period, measured_period, shared_period
from mlbench.analysis.queries import queries_of
from mlbench.analysis.throughput import achieved_rate, offered_rate

pytestmark = pytest.mark.unit

COUNT = 60_000


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_exponential_service_waits_as_long_as_theory_says(load: float) -> None:
    """M/M/1: the mean latency is s / (1 - load), and latency is exponential."""
    random = np.random.default_rng(11)
    service = random.exponential(MS, COUNT).astype(np.int64)
    traffic = served(poisson(random, 1000 * load, COUNT), service)
    found = queries_of(record({"p": traffic}, batch=65_536), "p")
    latency = distribution_ms(times_ns(found, found.latency_ns)).values
    assert latency["mean"] == pytest.approx(1 / (1 - load), rel=0.05)
    assert latency["p99"] == pytest.approx(np.log(100) / (1 - load), rel=0.12)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_constant_service_waits_half_as_long(load: float) -> None:
    """M/D/1: the mean wait is load s / (2 (1 - load)), by Pollaczek and Khinchine."""
    random = np.random.default_rng(12)
    traffic = served(poisson(random, 1000 * load, COUNT), MS)
    found = queries_of(record({"p": traffic}, batch=65_536), "p")
    queueing = distribution_ms(times_ns(found, found.queueing_ns)).values
    service = distribution_ms(times_ns(found, found.service_ns)).values
    assert queueing["mean"] == pytest.approx(load / (2 * (1 - load)), rel=0.05)
    assert service == pytest.approx(dict.fromkeys(service, 1.0))


def test_a_server_that_freezes_is_hdrhistograms_example() -> None:
    """100 queries a second, 1 ms each for 100 s, then nothing for 100 s.

    A client that waits for each answer counts 10,000 good ones and one bad: p99.99 of 1 ms.
    Who was due meanwhile waited up to 100 s: the mean is 25 s, p75 is 50 s, p99.99 near 100
    (G. Tene, "How NOT to measure latency").
    """
    service = np.full(20_000, MS)
    service[10_000] = 100 * SECOND
    service[10_001:] = 0  # those that waited are answered at once
    due = np.arange(20_000) * 10 * MS
    found = queries_of(record({"p": served(due, service)}, batch=65_536), "p")
    latency = np.sort(times_ns(found, found.latency_ns)) / SECOND
    assert latency.mean() == pytest.approx(25, rel=0.01)
    assert np.quantile(latency, 0.5, method="inverted_cdf") == pytest.approx(0.001)
    assert np.quantile(latency, 0.75, method="inverted_cdf") == pytest.approx(50, rel=0.01)
    assert np.quantile(latency, 0.9999, method="inverted_cdf") == pytest.approx(100, rel=0.01)


def test_a_quantile_below_its_floor_is_null_with_its_reason() -> None:
    found = distribution_ms(np.full(100, 2.0 * MS))
    assert found.values == {"mean": 2, "p50": 2, "p90": 2, "p95": None, "p99": None}
    assert found.reasons["p99"] == "p99 needs 662 queries, there are 100"


def test_one_failure_takes_the_mean_and_leaves_the_median() -> None:
    found = distribution_ms(np.array([1.0 * MS] * 99 + [inf]))
    assert (found.values["mean"], found.values["p50"]) == (None, 1)
    assert found.reasons["mean"] == "1 of 100 queries did not succeed and count as infinite"


def test_a_quantile_that_falls_on_a_failure_is_null() -> None:
    found = distribution_ms(np.array([1.0 * MS] * 88 + [inf] * 12))
    assert found.values["p90"] is None
    assert found.reasons["p90"] == "it falls on the 12 of 100 queries that did not succeed"


def test_nothing_has_no_distribution() -> None:
    found = distribution_ms(np.array([]))
    assert set(found.values.values()) == {None}
    assert found.reasons["p50"] == "no queries have ended"


def test_lateness_is_of_failed_queries_too() -> None:
    found = queries_of(record({"p": served(np.arange(3) * MS, 1, late=7, failed=[0, 1, 2])}), "p")
    assert lateness_ns(found).tolist() == [7, 7, 7]


def test_rates_of_a_plain_run_are_over_its_load_phase() -> None:
    due = np.arange(10) * SECOND // 10
    made = record({"p": served(due, SECOND // 4, failed=[0], end_ns=SECOND)})
    found, period = queries_of(made, "p"), measured_period(made, "p")
    assert offered_rate(found, period) == 10
    assert achieved_rate(found, period) == 3  # four ended by the last instant, one of them failed


def test_a_closed_load_achieves_what_it_offers() -> None:
    made = record({"p": closed([SECOND // 4] * 4)})
    found, period = queries_of(made, "p"), measured_period(made, "p")
    assert offered_rate(found, period) == achieved_rate(found, period) == 4


def test_throughput_of_a_window_counts_what_was_done_in_it_whenever_it_was_due() -> None:
    window = {"begin_ns": 2 * SECOND, "end_ns": 4 * SECOND}
    made = record({"p": served(np.arange(8) * SECOND // 2, SECOND)}, window=window)
    found, period = queries_of(made, "p"), measured_period(made, "p")
    assert offered_rate(found, period) == 2
    assert achieved_rate(found, period) == 1


def test_there_is_no_rate_before_there_is_a_load() -> None:
    made = record({"p": Traffic(begin_ns=5, end_ns=None)}, status="load")
    found = queries_of(made, "p")
    assert offered_rate(found, measured_period(made, "p")) is None
    assert achieved_rate(found, measured_period(made, "p")) is None


def test_an_open_window_counts_what_is_past_of_it() -> None:
    window = {"begin_ns": 0, "end_ns": 100 * SECOND}
    made = record({"p": served([0, SECOND], SECOND)}, window=window, status="load")
    period = measured_period(made, "p")
    assert period is not None
    assert period.seconds == 2


def test_pipelines_share_what_is_common_to_their_loads() -> None:
    made = record({"a": Traffic(begin_ns=0, end_ns=9), "b": Traffic(begin_ns=2, end_ns=12)})
    shared, alone = shared_period(made), load_period(made, "b")
    assert shared is not None
    assert alone is not None
    assert (shared.begin_ns, shared.end_ns, alone.begin_ns) == (2, 9, 2)


def test_pipelines_one_of_which_never_began_share_nothing() -> None:
    idle = Traffic().says(load=None)
    assert shared_period(record({"a": Traffic(end_ns=9), "b": idle})) is None
    assert shared_period(record({})) is None
