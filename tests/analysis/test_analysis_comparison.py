"""One block: a pipeline isolated and collocated, against theory and by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, chained, closed, poisson, record, served

from mlbench.analysis.comparison import Comparison, compare
from mlbench.analysis.observation import observe
from mlbench.analysis.pairs import pairs_of, ratios_of

pytestmark = pytest.mark.unit

SPARSE = np.arange(1000) * SECOND


def compared(alone: Traffic, together: Traffic, draws: int = 0, **manifest: Any) -> Comparison:
    sides = (observe(record({"p": each}, **manifest), "p") for each in (alone, together))
    return compare(*sides, draws=draws)


def values(found: Comparison) -> dict[str, float | None]:
    return {key: sides.value for key, sides in found.slowdown.items()}


def test_a_service_that_doubles_doubles_everything_but_the_offered_rate() -> None:
    found = values(compared(served(SPARSE, MS), served(SPARSE, 2 * MS)))
    assert found.pop("throughput") == pytest.approx(1)
    assert found == pytest.approx(dict.fromkeys(found, 2.0))


def test_a_closed_load_that_doubles_its_service_halves_its_throughput() -> None:
    found = values(compared(closed([10 * MS] * 100), closed([20 * MS] * 100)))
    assert found["throughput"] == pytest.approx(2)


@pytest.mark.parametrize("load", [0.2, 0.4])
def test_mean_latency_of_exponential_service_slows_down_as_theory_says(load: float) -> None:
    """M/M/1, service twice as long: 2 (1 - load) / (1 - 2 load)."""
    random = np.random.default_rng(21)
    due = poisson(random, 1000 * load, 60_000)
    service = random.exponential(MS, due.size).astype(np.int64)
    found = values(compared(served(due, service), served(due, 2 * service)))
    assert found["latency_mean"] == pytest.approx(2 * (1 - load) / (1 - 2 * load), rel=0.06)


def test_added_queueing_of_constant_service_is_pollaczeks_and_khinchines() -> None:
    """M/D/1 at loads of 0.3 and 0.6: the wait load s / (2 (1 - load)) of both, in ms."""
    due = poisson(np.random.default_rng(22), 300, 60_000)
    found = compared(served(due, MS), served(due, 2 * MS))
    wait = {load: load * s / (2 * (1 - load)) for load, s in ((0.3, 1), (0.6, 2))}
    added = found.stages["data"]["queueing_mean"]  # the first stage is fetched while it is free
    assert added.value == pytest.approx(wait[0.6] - wait[0.3], rel=0.06)
    assert found.added is not None
    assert found.added.latency_ns / found.added.queries / MS == pytest.approx(
        1 + wait[0.6] - wait[0.3], rel=0.06
    )


def test_the_median_of_ratios_is_not_the_ratio_of_medians() -> None:
    """Three kinds of queries, that become 2, 4.5 and 1 times as long."""
    alone, together = (np.tile(kinds, 333) * MS for kinds in ([1, 2, 9], [2, 9, 9]))
    found = values(compared(served(SPARSE[:999], alone), served(SPARSE[:999], together)))
    assert found["latency_p50"] == 4.5
    assert found["paired_median"] == 2


def test_a_quantile_below_its_floor_has_no_slowdown_and_says_on_which_side() -> None:
    found = compared(served(SPARSE[:70], MS), served(SPARSE[:60], MS))
    p90 = found.slowdown["latency_p90"]
    assert (p90.value, p90.reason) == (None, "together: p90 needs 64 queries, there are 60")
    assert found.slowdown["latency_p99"].reason == (
        "alone: p99 needs 662 queries, there are 70; together: p99 needs 662 queries, there are 60"
    )


def test_failures_together_are_infinite() -> None:
    found = compared(served(SPARSE, MS), served(SPARSE, MS, failed=range(0, 1000, 50)))
    assert found.slowdown["latency_p90"].value == pytest.approx(1)
    assert found.slowdown["latency_p99"].value is None
    assert "20 of 1000 queries that did not succeed" in str(found.slowdown["latency_p99"].reason)


def test_what_failed_alone_has_no_ratio_and_what_failed_together_an_infinite_one() -> None:
    sides = [
        observe(record({"p": served(SPARSE[:4], MS, failed=failed)}), "p").queries
        for failed in ([0], [3])
    ]
    pairs = pairs_of(*sides)
    assert pairs.isolated.tolist() == [0, 1, 2, 3]
    assert ratios_of(*sides, pairs).tolist() == [1, 1, np.inf]


def test_queries_are_paired_by_their_index_where_both_windows_have_them() -> None:
    """A closed load that is slower has other queries in the window."""
    window = {"begin_ns": 100 * MS, "end_ns": 400 * MS}
    sides = [
        observe(record({"p": closed([ms * MS] * 100)}, window=window), "p").queries
        for ms in (10, 20)
    ]
    assert sides[0].query[sides[0].measured].tolist() == list(range(10, 40))
    assert sides[1].query[sides[1].measured].tolist() == list(range(5, 20))
    pairs = pairs_of(*sides)
    assert sides[0].query[pairs.isolated].tolist() == list(range(10, 20))
    assert sides[1].query[pairs.collocated].tolist() == list(range(10, 20))


def test_without_a_common_query_there_is_no_pair() -> None:
    found = compared(served(SPARSE[:20], MS), Traffic())
    assert found.pairs == 0
    assert found.added is None
    assert "no query was measured in both" in str(found.slowdown["paired_median"].reason)
    assert found.slowdown["latency_p50"].reason == "together: no queries have ended"


def test_stages_slow_down_by_themselves() -> None:
    alone = chained(SPARSE, np.full((1000, 2), MS))
    together = chained(SPARSE, np.tile([MS, 3 * MS], (1000, 1)))
    found = compared(alone, together)
    assert found.stages["a"]["service_p99"].value == pytest.approx(1)
    assert found.stages["b"]["service_p99"].value == pytest.approx(3)
    assert found.stages["a"]["queueing_p50"].value == 0
    assert found.stages["data"]["service_p50"].reason == "it is zero alone, and zero has no ratio"


def test_an_open_load_that_is_kept_up_with_is_rate_limited() -> None:
    assert compared(served(SPARSE, MS), served(SPARSE, 2 * MS)).rate_limited
    assert not compared(closed([MS] * 99), closed([MS] * 99)).rate_limited


def test_a_backlog_that_grows_is_said_with_its_side_and_slope() -> None:
    due = np.arange(1000) * 10 * MS
    found = compared(
        served(due, 5 * MS, end_ns=10 * SECOND), served(due, 20 * MS, end_ns=10 * SECOND)
    )
    assert found.saturated == ("together",)
    assert found.backlog_slope == pytest.approx(50, rel=0.05)
    assert not found.rate_limited


def test_attainment_and_goodput_of_both_sides() -> None:
    slo = {"slo": {"latency_ms": 5}}
    service = np.where(np.arange(1000) % 4 == 0, 9 * MS, MS)
    alone, together = (replace(served(SPARSE, s), spec=slo) for s in (MS, service))
    found = compared(alone, together).objective
    assert (found["attainment"].isolated, found["attainment"].collocated) == (1, 0.75)
    assert found["attainment"].value == -0.25
    assert found["goodput"].collocated == pytest.approx(0.75 * 1000 / 999, rel=1e-3)


def tokens(traffic: Traffic, first_ms: int, each_ms: int) -> Traffic:
    """Three tokens for every query, the first so long after it was due."""
    due = np.asarray(traffic.dispatch["due"])
    times = due[:, None] + (first_ms + each_ms * np.arange(3)) * MS
    events = {
        "span": np.repeat(2 * np.arange(due.size) + 1, 3).tolist(),
        "name": [0, 1, 1] * due.size,
        "t": times.ravel().tolist(),
        "value": [1.0] * times.size,
    }
    return replace(traffic, events=events, event_names=("first_token", "token"))


def test_the_first_token_and_the_further_ones_slow_down_by_themselves() -> None:
    made = served(SPARSE, 900 * MS)
    found = values(compared(tokens(made, 100, 10), tokens(made, 300, 12)))
    assert found["ttft_p99"] == pytest.approx(3)
    assert found["tpot_mean"] == pytest.approx(1.2)
    assert found["latency_p50"] == pytest.approx(1)


def test_tokens_on_one_side_only_have_no_ratio() -> None:
    made = served(SPARSE, 900 * MS)
    found = compared(made, tokens(made, 300, 12)).slowdown
    assert found["ttft_p50"].reason == "alone: no answers have ended"
    assert "ttft_p50" not in values(compared(made, made))


def test_draws_scatter_around_the_value_and_are_made_when_asked_for() -> None:
    random = np.random.default_rng(5)
    alone = served(SPARSE, random.gamma(4, MS, 1000).astype(np.int64))
    together = served(SPARSE, random.gamma(4, 2 * MS, 1000).astype(np.int64))
    assert compared(alone, together).slowdown["latency_p90"].draws is None
    found = compared(alone, together, draws=500)
    for key in ("latency_mean", "latency_p90", "paired_median"):
        sides = found.slowdown[key]
        assert sides.draws is not None
        assert sides.value is not None
        assert np.median(sides.draws) == pytest.approx(sides.value, rel=0.03)
        assert 0 < sides.draws.std() < 0.3
    added = found.stages["data"]["queueing_mean"]
    assert added.draws is not None
    assert added.draws.tolist() == [0] * 500
