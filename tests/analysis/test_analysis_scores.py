"""Scores: means over queries that are done, with intervals over the items that they sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, record, served

from mlbench.analysis.queries import queries_of
from mlbench.analysis.record import Record
from mlbench.analysis.scores import Score, scores
from mlbench.analysis.summary import summary
from mlbench.records import SCORE
from mlbench.stats import wilson_interval

pytestmark = pytest.mark.unit

NAMES = ("first_token", f"{SCORE}right", f"{SCORE}found")


def with_scores(
    rows: Sequence[tuple[int, int, float]], count: int = 4, failed: Sequence[int] = ()
) -> Traffic:
    """Queries of 1 ms, one a second; rows are (query, code into `NAMES`, value), in time."""
    traffic = served(np.arange(count) * SECOND, MS, failed=failed)
    events = {
        "query": [query for query, _, _ in rows],
        "span": [2 * query + 1 for query, _, _ in rows],
        "name": [code for _, code, _ in rows],
        "t": list(range(len(rows))),
        "value": [value for _, _, value in rows],
    }
    return replace(traffic, events=events, event_names=NAMES)


def scores_of(made: Record) -> dict[str, Score]:
    return scores(made, "p", queries_of(made, "p"))


def test_a_score_is_the_mean_over_queries_with_its_wilson_interval() -> None:
    rows = [(0, 1, 1.0), (1, 1, 0.0), (2, 1, 1.0), (3, 1, 1.0)]
    interval = wilson_interval(0.75, 4)
    found = scores_of(record({"p": with_scores(rows)}))
    assert found == {"right": Score(0.75, 4, 4, interval.low, interval.high)}


def test_scores_have_names_of_their_own_and_other_events_are_none() -> None:
    rows = [(0, 0, 1.0), (0, 2, 1.0), (1, 1, 0.0)]
    found = scores_of(record({"p": with_scores(rows)}))
    assert {name: (score.mean, score.queries) for name, score in found.items()} == {
        "right": (0, 1),
        "found": (1, 1),
    }


def test_the_last_score_of_a_query_counts() -> None:
    rows = [(0, 1, 0.0), (1, 1, 1.0), (0, 1, 1.0), (1, 1, 0.0), (1, 1, 0.0)]
    found = scores_of(record({"p": with_scores(rows)}))
    assert (found["right"].mean, found["right"].queries) == (0.5, 2)


def test_the_interval_is_over_items_because_asking_again_says_little_new() -> None:
    traffic = with_scores([(query, 1, float(query % 2)) for query in range(8)], count=8)
    items = [query % 2 for query in range(8)]
    traffic = replace(
        traffic,
        dispatch={**traffic.dispatch, "item": items},
        completions={**traffic.completions, "item": items},
    )
    score = scores_of(record({"p": traffic}))["right"]
    interval = wilson_interval(0.5, 2)
    assert (score.queries, score.items) == (8, 2)
    assert (score.low, score.high) == (interval.low, interval.high)


def test_queries_that_failed_have_no_score_and_the_summary_says_so() -> None:
    rows = [(query, 1, 1.0) for query in range(4)]
    made = record({"p": with_scores(rows, failed=[2])})
    assert scores_of(made)["right"].queries == 3
    found = summary(made)["pipelines"]["p"]
    assert found["scores"]["right"]["queries"] == 3
    assert found["null_reasons"]["scores.right"] == "1 of 4 queries did not succeed"


def test_queries_outside_the_window_have_no_score() -> None:
    rows = [(query, 1, float(query == 0)) for query in range(4)]
    window = {"begin_ns": SECOND, "end_ns": 3 * SECOND}
    score = scores_of(record({"p": with_scores(rows)}, window=window))["right"]
    assert (score.mean, score.queries) == (0, 2)


def test_scores_that_are_no_hits_and_misses_have_a_mean_alone() -> None:
    rows = [(0, 1, 0.5), (1, 1, 1.0)]
    assert scores_of(record({"p": with_scores(rows)}))["right"] == Score(0.75, 2, 2, None, None)


def test_a_pipeline_without_scores_has_none() -> None:
    made = record({"p": served(np.arange(3) * SECOND, MS)})
    assert scores_of(made) == {}
    assert summary(made)["pipelines"]["p"]["scores"] == {}
