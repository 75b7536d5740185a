"""Whatever valid graph runs: both executors do the same, and account for every query once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from any_graph import Plan, entry_first
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import Ran, query, run

from mlbench.records import Outcome

pytestmark = pytest.mark.unit

QUERIES = 12


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same graph twice: as it is for serial execution, and with what pipelined may add."""
    plan = Plan(draw, reordered=draw(st.booleans()))
    end = plan.stage("sink")
    entry = plan.chain(3, end, False)
    serial = {
        name: {key: value for key, value in spec.items() if key not in ("workers", "queue")}
        for name, spec in plan.stages.items()
    }
    return entry_first(serial, entry), entry_first(plan.stages, entry)


def visits(ran: Ran, queries: set[int]) -> Counter[tuple[Any, ...]]:
    """Who was where, how often, and what came of it."""
    return Counter(
        (s.query, s.stage, s.visit, s.outcome, s.route) for s in ran.spans if s.query in queries
    )


def outputs(ran: Ran, queries: set[int]) -> Counter[tuple[int, str, str]]:
    """What each sink gave."""
    rows = (row for row in ran.outputs if row["query"] in queries)
    return Counter((row["query"], row["sink"], str(row["output"])) for row in rows)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(graphs())
def test_both_executors_do_the_same(graph):
    serial, pipelined = (
        run(stages, QUERIES, execution)
        for stages, execution in zip(graph, ("serial", "pipelined"), strict=True)
    )
    for ran in (serial, pipelined):
        assert sorted(each.query for each in ran.completions) == list(range(QUERIES))
        ids = [span.span for span in ran.spans]
        assert sorted(ids) == list(range(len(ids)))
    assert serial.outcomes == pipelined.outcomes
    done = {number for number in range(QUERIES) if serial.outcomes[number] is Outcome.DONE}
    assert visits(serial, done) == visits(pipelined, done)
    assert outputs(serial, done) == outputs(pipelined, done)
    for number in set(range(QUERIES)) - done:  # the other branches end where they are
        assert serial.ended(number).error is not None
        assert pipelined.ended(number).error is not None


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(graphs(), st.integers(0, QUERIES - 1))
def test_a_query_does_the_same_alone_and_among_others(graph, number):
    stages, _ = graph
    among, alone = run(stages, QUERIES), run(stages, [query(number)])
    assert visits(alone, {number}) == visits(among, {number})
    assert outputs(alone, {number}) == outputs(among, {number})
    assert alone.ended(number).error == among.ended(number).error
