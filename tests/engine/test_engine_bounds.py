"""When a load ends: the engine's bounds say what the spec's stop rule says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbench.engine.bounds import FOREVER, Bounds
from mlbench.spec import Stop

pytestmark = pytest.mark.unit

SECOND = 1_000_000_000
BARRIER = 5_000_000_000_123


def ends(stop: dict[str, float], seconds: float, queries: int) -> bool:
    bounds = Bounds.of(Stop.model_validate(stop), BARRIER)
    return bounds.ends(BARRIER + round(seconds * SECOND), queries)


@pytest.mark.parametrize(
    ("stop", "just_before", "just_there"),
    [
        ({"seconds": 3}, (2.9, 99), (3, 0)),
        ({"queries": 3}, (99, 2), (0, 3)),
        ({"seconds": 3, "queries": 3}, (2.9, 2), (3, 2)),
        ({"seconds": 3, "queries": 3}, (2.9, 2), (2.9, 3)),
        ({"min_seconds": 3}, (2.9, 99), (3, 0)),
        ({"min_queries": 3}, (99, 2), (0, 3)),
        ({"min_seconds": 3, "min_queries": 3}, (2.9, 99), (3, 3)),
        ({"min_seconds": 3, "min_queries": 3}, (99, 2), (99, 3)),
        ({"min_queries": 9, "max_seconds": 3}, (2.9, 8), (3, 0)),
        ({"min_seconds": 9, "max_queries": 3}, (8.9, 2), (0, 3)),
        ({"max_seconds": 3, "max_queries": 3}, (2.9, 2), (0, 3)),
        ({"seconds": 5, "max_seconds": 3}, (2.9, 0), (3, 0)),
    ],
)
def test_a_load_ends_at_a_maximum_or_past_both_minima(stop, just_before, just_there):
    assert not ends(stop, *just_before)
    assert ends(stop, *just_there)


def test_without_a_rule_it_goes_on_until_it_is_told():
    assert not Bounds.of(None, BARRIER).ends(FOREVER - 1, FOREVER - 1)


seconds = st.integers(0, 8).map(lambda halves: halves / 2)
queries = st.integers(0, 8)
rules = st.fixed_dictionaries(
    {},
    optional={
        "seconds": seconds.filter(bool),
        "max_seconds": seconds.filter(bool),
        "min_seconds": seconds,
        "queries": queries.filter(bool),
        "max_queries": queries.filter(bool),
        "min_queries": queries,
    },
).filter(lambda rule: any(rule.values()))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rules, st.integers(-1, 1), seconds, queries)
def test_it_ends_where_the_spec_s_rule_does(rule, off_by_ns, elapsed, count):
    stop, elapsed_ns = Stop.model_validate(rule), round(elapsed * SECOND) + off_by_ns
    bounds = Bounds.of(stop, BARRIER)
    assert bounds.ends(BARRIER + elapsed_ns, count) == stop.ends(elapsed_ns, count)


class TestTheEndOfALoad:
    def test_that_was_seen_late_is_its_limit_of_time(self):
        bounds = Bounds.of(Stop(seconds=3), 0)
        assert bounds.end_ns(5 * SECOND) == 3 * SECOND

    def test_that_its_queries_ended_is_where_it_was_seen(self):
        assert Bounds.of(Stop(seconds=3, queries=1), 0).end_ns(2 * SECOND) == 2 * SECOND


class TestTheEndOfAnOpenLoad:
    """By its last due time, the next one that is not dispatched any more, and its queries."""

    def end(self, last: float, following: float | None, sent: int, **rule: float) -> float:
        bounds = Bounds.of(Stop.model_validate(rule), 0)
        next_ns = None if following is None else round(following * SECOND)
        return bounds.end_of_open(round(last * SECOND), next_ns, sent) / SECOND

    def test_is_its_limit_of_time_even_if_no_query_was_due_just_before(self):
        assert self.end(1.5, 4.5, 2, seconds=3) == 3

    def test_is_where_the_next_query_would_have_been_due_where_queries_are_limited(self):
        assert self.end(1.5, 1.6, 2, queries=2) == 1.6
        assert self.end(1.5, 9.6, 2, queries=2, seconds=3) == 3

    def test_is_its_last_query_s_where_there_is_no_further_one(self):
        assert self.end(1.5, None, 2, seconds=3) == 1.5

    def test_is_where_both_minima_are_reached(self):
        assert self.end(1.5, 3.5, 9, min_seconds=3, min_queries=5) == 3
        assert self.end(3.2, 3.5, 5, min_seconds=3, min_queries=5) == 3.2
        assert self.end(3.2, 3.5, 5, min_queries=5) == 3.2

    def test_is_a_maximum_s_though_minima_are_not_reached(self):
        assert self.end(1.5, 4.5, 2, min_queries=5, max_seconds=4) == 4
