"""Which of the offered queries kept their objective."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, record, served

from mlbench.analysis.queries import queries_of
from mlbench.analysis.slo import Attainment, attainment_of
from mlbench.analysis.summary import summary
from mlbench.analysis.tokens import tokens_of
from mlbench.records import NULL
from mlbench.spec import SLO

pytestmark = pytest.mark.unit

ONE_A_SECOND = np.arange(4) * SECOND


def attained(traffic: Traffic, **slo: float) -> Attainment:
    made = record({"p": replace(traffic, spec={"slo": slo})})
    found = attainment_of(made, "p", queries_of(made, "p"))
    assert found is not None
    return found


def with_tokens(traffic: Traffic, tokens: dict[int, list[int]]) -> Traffic:
    """Tokens by query, each so many ms after it was due, in its ``step``."""
    due = np.asarray(traffic.dispatch["due"])
    rows = [
        (2 * q + 1, i > 0, due[q] + t * MS) for q, ts in tokens.items() for i, t in enumerate(ts)
    ]
    events = {
        "span": [span for span, _, _ in rows],
        "name": [int(later) for _, later, _ in rows],
        "t": [int(t) for _, _, t in rows],
    }
    return replace(traffic, events=events, event_names=("first_token", "token"))


def test_attainment_is_over_offered_queries() -> None:
    """One is too slow and one fails: both are misses."""
    found = attained(served(ONE_A_SECOND, [MS, MS, 50 * MS, MS], failed=[3]), latency_ms=10)
    assert (found.offered, found.kept, found.share) == (4, 2, 0.5)


def test_a_pipeline_without_an_objective_has_no_attainment() -> None:
    made = record({"p": served(ONE_A_SECOND, MS)})
    assert attainment_of(made, "p", queries_of(made, "p")) is None


def test_of_no_queries_there_is_no_share() -> None:
    assert attained(Traffic(), latency_ms=10).share is None


def test_an_objective_says_something() -> None:
    with pytest.raises(ValueError, match="at least one of latency_ms, ttft_ms and tpot_ms"):
        SLO()


def test_tokens_count_from_due_and_from_the_first() -> None:
    tokens = {0: [10, 20, 30], 1: [30, 35, 40], 2: [10, 50, 90], 3: [10]}
    traffic = with_tokens(served(ONE_A_SECOND, 100 * MS), tokens)
    assert attained(traffic, ttft_ms=20).kept == 3
    assert attained(traffic, tpot_ms=10).kept == 3  # one token has no time for a further one
    both = attained(traffic, ttft_ms=20, tpot_ms=10, latency_ms=200)
    assert (both.kept, both.limits) == (2, {"latency_ms": 4, "ttft_ms": 3, "tpot_ms": 3})


def test_a_query_without_a_token_missed_its_first() -> None:
    traffic = with_tokens(served(ONE_A_SECOND, 100 * MS), {0: [10], 1: [10]})
    assert attained(traffic, ttft_ms=20).kept == 2


def test_without_any_token_events_attainment_is_null_and_says_why() -> None:
    traffic = served(ONE_A_SECOND, MS)
    found = attained(traffic, ttft_ms=20)
    assert (found.kept, found.share) == (None, None)
    assert found.reason == "no events named first_token or token were recorded"
    told = summary(record({"p": replace(traffic, spec={"slo": {"ttft_ms": 20}})}))["pipelines"]["p"]
    assert told["slo"] == {"ttft_ms": 20, "attainment": None, "goodput": None}
    assert told["null_reasons"]["slo.attainment"] == found.reason


def test_the_answer_is_the_span_that_began_last() -> None:
    """Stage ``grade`` asks the model, too; its tokens are no answer."""
    spans: dict[str, Any] = {
        "span": [0, 1],
        "query": [0, 0],
        "parents": [[], [0]],
        "stage": [0, 1],
        "ready": [0, 10],
        "start": [0, 10],
        "end": [10, 20],
        "outcome": [0, 0],
    }
    made = served([0], 20)
    events = {"span": [1, 0, 1, 0], "name": [0, 0, 1, 1], "t": [12, 2, 15, 3]}
    traffic = replace(made, spans=spans, events=events, event_names=("first_token", "token"))
    run = record({"p": traffic})
    found = tokens_of(run, "p", queries_of(run, "p"))
    assert (found.first.tolist(), found.last.tolist(), found.count.tolist()) == ([12], [15], [2])


def test_other_events_are_no_tokens() -> None:
    traffic = with_tokens(served(ONE_A_SECOND, MS), {0: [1]})
    run = record({"p": replace(traffic, event_names=("score", "token"))})
    found = tokens_of(run, "p", queries_of(run, "p"))
    assert found.first.tolist() == [NULL] * 4
