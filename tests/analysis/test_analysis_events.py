"""Values that stages recorded as events: how they began, and how they ended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, record, served

from mlbench.analysis.events import EventValues, event_values
from mlbench.analysis.queries import queries_of
from mlbench.analysis.record import Record
from mlbench.records import FIRST_TOKEN, SCORE

pytestmark = pytest.mark.unit


def with_values(values: list[float], name: str = "loss") -> Traffic:
    """One query for each value, which its span recorded."""
    count = len(values)
    traffic = served(np.arange(count) * SECOND, MS)
    rows = {"span": [2 * query + 1 for query in range(count)], "value": values}
    moments = {"name": [0] * count, "t": [query * SECOND for query in range(count)]}
    return replace(traffic, events={**rows, **moments}, event_names=(name,))


def values_of(made: Record) -> dict[str, EventValues]:
    return event_values(made, "p", queries_of(made, "p"))


def test_a_loss_has_a_mean_at_its_begin_and_at_its_end() -> None:
    found = values_of(record({"p": with_values([8, 6, 5, 5, 5, 5, 2, 4])}))
    assert found == {"loss": EventValues(8, 5, 7, 3)}


def test_few_values_have_no_quarters() -> None:
    assert values_of(record({"p": with_values([3, 1])})) == {"loss": EventValues(2, 2, None, None)}


def test_events_without_a_value_are_moments_alone() -> None:
    assert values_of(record({"p": with_values([float("nan")] * 5)})) == {}


def test_events_of_queries_outside_the_window_are_left_out() -> None:
    window = {"begin_ns": 2 * SECOND, "end_ns": 4 * SECOND}
    found = values_of(record({"p": with_values([9, 9, 1, 1, 9])}, window=window))
    assert (found["loss"].count, found["loss"].mean) == (2, 1)


@pytest.mark.parametrize("name", [FIRST_TOKEN, f"{SCORE}answer"])
def test_tokens_and_scores_are_summed_up_elsewhere(name: str) -> None:
    assert values_of(record({"p": with_values([1, 1], name)})) == {}
