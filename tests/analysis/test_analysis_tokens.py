"""Tokens: the time to the first one, and the time for each further one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, record, served

from mlbench.analysis.queries import queries_of
from mlbench.analysis.record import Record
from mlbench.analysis.summary import summary
from mlbench.analysis.tokens import TokenTimes, token_times
from mlbench.records import FIRST_TOKEN, TOKEN

pytestmark = pytest.mark.unit

NAMES = ("loss", FIRST_TOKEN, TOKEN)


def generating(
    traffic: Traffic, tokens_ms: Mapping[int, Sequence[float]], answers: int = 1
) -> Traffic:
    """The same with tokens in the stage's span, by query, in ms after the span began."""
    starts = traffic.spans["start"]
    rows = [
        (2 * query + 1, 1 + (i > 0), starts[2 * query + 1] + round(after * MS))
        for query, moments in tokens_ms.items()
        for i, after in enumerate(moments)
    ]
    span, name, t = ([row[part] for row in rows] for part in range(3))
    events = {"span": span, "name": name, "t": t, "value": [answers] * len(rows)}
    return replace(traffic, events=events, event_names=NAMES)


def times(made: Record) -> TokenTimes:
    found = token_times(made, "p", queries_of(made, "p"))
    assert found is not None
    return found


def means(found: TokenTimes) -> dict[str, float | None]:
    return {key: each.values["mean"] for key, each in found.distributions.items()}


def test_the_first_token_counts_from_due_and_from_the_start_of_its_stage() -> None:
    """The second query waits 60 ms for the first one, and then needs 10 ms to begin."""
    traffic = generating(served([0, 40 * MS], 100 * MS), {0: [10, 20], 1: [10, 20]})
    found = means(times(record({"p": traffic})))
    assert found["ttft_ms"] == (10 + 70) / 2
    assert found["stage_ttft_ms"] == 10


def test_a_further_token_takes_what_is_between_the_first_and_the_last() -> None:
    traffic = generating(served([0], SECOND), {0: [300, 310, 360]})
    assert means(times(record({"p": traffic})))["tpot_ms"] == 30


def test_a_single_token_has_a_first_and_no_further_one() -> None:
    traffic = generating(served(np.arange(2) * SECOND, MS), {0: [1], 1: [1, 3]})
    found = times(record({"p": traffic}))
    assert found.distributions["ttft_ms"].values["mean"] == 1
    assert found.distributions["tpot_ms"].values["mean"] == 2


def test_a_query_that_made_no_token_is_left_out_and_one_that_failed_is_infinite() -> None:
    served_ = served(np.arange(60) * SECOND, 10 * MS, failed=[7])
    traffic = generating(served_, {q: [1, 2] for q in range(40) if q != 7})
    found = times(record({"p": traffic})).distributions
    assert found["ttft_ms"].reasons["mean"].startswith("1 of 40 queries did not succeed")
    assert found["ttft_ms"].values["p50"] == found["tpot_ms"].values["p50"] == 1


def test_a_quantile_has_the_floor_that_latency_has() -> None:
    traffic = generating(served(np.arange(63) * SECOND, MS), {q: [1, 2] for q in range(63)})
    found = times(record({"p": traffic})).distributions["ttft_ms"]
    assert found.values["p90"] is None
    assert found.reasons["p90"] == "p90 needs 64 queries, there are 63"


def test_tokens_are_counted_by_the_second_of_the_measured_period() -> None:
    traffic = generating(served(np.arange(10) * SECOND, MS), {q: [0.2, 0.4] for q in range(10)})
    whole = times(record({"p": replace(traffic, end_ns=10 * SECOND)}))
    assert (whole.count, whole.rate) == (20, 2)
    window = {"begin_ns": 2 * SECOND, "end_ns": 6 * SECOND}
    assert times(record({"p": traffic}, window=window)).count == 8


def test_tokens_of_failed_queries_are_no_throughput() -> None:
    failing = served(np.arange(4) * SECOND, MS, failed=[1])
    traffic = generating(failing, {q: [0.2, 0.4] for q in range(4)})
    assert times(record({"p": replace(traffic, end_ns=4 * SECOND)})).count == 6


def test_a_step_of_a_batch_has_a_token_for_each_answer() -> None:
    traffic = generating(served([0], SECOND, end_ns=2 * SECOND), {0: [300, 310]}, answers=4)
    found = times(record({"p": traffic}))
    assert (found.count, found.rate) == (8, 4)
    assert means(found)["tpot_ms"] == 10


def test_queries_of_a_dynamic_batch_share_its_tokens() -> None:
    """Their events stand with the first span of the batch: all of them were one call."""
    traffic = generating(served(np.arange(3) * 10 * MS, [100 * MS, 0, 0]), {0: [50, 70]})
    batch = [None, 9, None, 9, None, None]
    start = [0, 20 * MS, 10 * MS, 20 * MS, *traffic.spans["start"][4:]]
    events = {**traffic.events, "t": [70 * MS, 90 * MS]}
    spans = {**traffic.spans, "batch": batch, "start": start}
    found = times(record({"p": replace(traffic, spans=spans, events=events)}))
    assert means(found) == {"ttft_ms": (70 + 60) / 2, "stage_ttft_ms": 50, "tpot_ms": 20}


def test_a_pipeline_without_tokens_has_none() -> None:
    made = record({"p": served(np.arange(3) * SECOND, MS)})
    assert token_times(made, "p", queries_of(made, "p")) is None


def test_events_whose_spans_are_still_on_their_way_do_no_harm() -> None:
    traffic = generating(served([0], SECOND), {0: [300, 310]})
    going = replace(traffic, spans={"query": []}, completions={"query": []}, end_ns=None)
    made = record({"p": going.says(status="running")}, status="load")
    found = times(made)
    assert found.count == 0
    assert found.distributions["ttft_ms"].reasons["mean"] == "no queries have ended"


def written(made: Record) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(summary(made), allow_nan=False))
    return found["pipelines"]["p"]


def test_the_summary_has_them_with_the_reasons_for_what_is_null() -> None:
    traffic = generating(served([0], SECOND, end_ns=2 * SECOND), {0: [300, 310]})
    found = written(record({"p": traffic}))
    assert (found["tokens"]["count"], found["tokens"]["rate"]) == (2, 1)
    assert found["tokens"]["ttft_ms"]["mean"] == 300
    assert found["null_reasons"]["tokens.tpot_ms.p99"] == "p99 needs 662 queries, there are 1"


def test_the_summary_of_a_pipeline_without_tokens_says_null() -> None:
    assert written(record({"p": served([0], MS)}))["tokens"] is None
