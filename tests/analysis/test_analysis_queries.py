"""Every query is accounted for exactly once, with its stamps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, closed, poisson, record, served

from mlbench.analysis.latency import distribution_ms, times_ns
from mlbench.analysis.queries import OUTCOMES, RUNNING, queries_of
from mlbench.records import NULL, Outcome, Phase

pytestmark = pytest.mark.unit


def outcomes(traffic: Traffic, **manifest: Any) -> list[str]:
    found = queries_of(record({"p": traffic}, **manifest), "p")
    return [OUTCOMES[code] for code in found.outcome]


def unanswered(traffic: Traffic, count: int) -> Traffic:
    """The same without the last completions and their spans."""
    rest = {name: values[:-count] for name, values in traffic.completions.items()}
    spans = {name: values[: -2 * count] for name, values in traffic.spans.items()}
    return replace(traffic, completions=rest, spans=spans)


def test_a_query_waits_as_lindley_says() -> None:
    random = np.random.default_rng(3)
    due = poisson(random, 100, 500)
    service = random.exponential(8 * MS, 500).astype(np.int64)
    found = queries_of(record({"p": served(due, service)}), "p")
    waits = [0]
    for gap, time in zip(np.diff(due), service[:-1], strict=True):
        waits.append(max(0, waits[-1] + int(time) - int(gap)))
    assert found.queueing_ns.tolist() == waits
    assert found.service_ns.tolist() == service.tolist()


def test_latency_is_lateness_and_queueing_and_service_to_the_nanosecond() -> None:
    random = np.random.default_rng(4)
    late = random.integers(0, MS, 300)
    due = np.arange(300) * 3 * MS
    traffic = served(due, random.integers(0, 5 * MS, 300), late=late)
    found = queries_of(record({"p": traffic}), "p")
    parts = found.lateness_ns + found.queueing_ns + found.service_ns
    assert found.lateness_ns.tolist() == late.tolist()
    assert parts.tolist() == found.latency_ns.tolist() == (found.done - found.due).tolist()


def test_a_stalled_server_is_seen_by_all_who_were_due_meanwhile() -> None:
    """Coordinated omission: a loop that waits for each answer would see one slow query."""
    service = np.full(1000, MS)
    service[500] = SECOND
    found = queries_of(record({"p": served(np.arange(1000) * 10 * MS, service)}), "p")
    slow = int((found.latency_ns > 100 * MS).sum())
    assert slow == 100  # each 9 ms less late than the one before: (1000 - 100) / 9
    assert distribution_ms(times_ns(found, found.latency_ns)).values["p90"] == pytest.approx(
        100, rel=0.1
    )


def test_a_dispatched_query_without_an_answer_is_lost_once_its_pipeline_has_ended() -> None:
    traffic = unanswered(served(np.arange(4) * MS, MS), 2)
    assert outcomes(traffic) == ["done", "done", "lost", "lost"]
    assert outcomes(traffic.says(status="failed"), status="load")[2:] == ["lost", "lost"]


def test_it_is_running_while_its_pipeline_is() -> None:
    traffic = unanswered(served(np.arange(4) * MS, MS), 2).says(status="running")
    assert outcomes(traffic, status="load") == ["done", "done", "running", "running"]


def test_it_is_lost_when_the_engine_is_gone() -> None:
    traffic = unanswered(served(np.arange(2) * MS, MS), 1).says(status="running")
    assert outcomes(traffic, status="aborted") == ["done", "lost"]


def test_it_timed_out_where_the_manifest_says_so() -> None:
    traffic = unanswered(served(np.arange(4) * MS, MS), 2).says(timed_out=[2])
    assert outcomes(traffic) == ["done", "done", "timed_out", "lost"]


def test_a_completion_whose_dispatch_was_not_written_is_kept() -> None:
    traffic = served(np.arange(4) * MS, MS)
    dispatch = {name: values[:2] for name, values in traffic.dispatch.items()}
    found = queries_of(record({"p": replace(traffic, dispatch=dispatch)}), "p")
    assert found.query.tolist() == [0, 1, 2, 3]
    assert found.due.tolist() == [0, MS, 2 * MS, 3 * MS]


def test_a_closed_load_is_known_from_its_completions() -> None:
    found = queries_of(record({"p": closed([MS, 2 * MS, 3 * MS])}), "p")
    assert found.latency_ns.tolist() == [MS, 2 * MS, 3 * MS]


def test_a_closed_query_that_never_came_back_is_known_from_its_first_span() -> None:
    made = closed([MS, MS, MS])
    rest = {name: values[:2] for name, values in made.completions.items()}
    found = queries_of(record({"p": replace(made, completions=rest)}), "p")
    assert [OUTCOMES[code] for code in found.outcome] == ["done", "done", "lost"]
    assert (found.sent[2], found.due[2]) == (2 * MS, NULL)


def test_a_closed_query_that_timed_out_is_known_from_the_manifest() -> None:
    assert outcomes(closed([MS, MS]).says(timed_out=[2])) == ["done", "done", "timed_out"]


def test_warm_up_is_in_no_table() -> None:
    made = closed([MS, MS])
    completions = {name: [*values, values[-1]] for name, values in made.completions.items()}
    completions["query"][-1] = -1
    completions["phase"][-1] = Phase.WARMUP
    assert queries_of(record({"p": replace(made, completions=completions)}), "p").query.size == 2


def test_a_pipeline_has_its_own_rows_of_the_dispatch() -> None:
    both = record({"a": served([0, 1], 5), "b": served([0, 1, 2], 5)})
    assert [len(queries_of(both, name)) for name in ("a", "b")] == [2, 3]


def test_a_failed_query_has_an_error_and_no_latency() -> None:
    found = queries_of(record({"p": served(np.arange(3) * MS, MS, failed=[1])}), "p")
    assert [found.error[row] for row in range(3)] == [None, "it broke", None]
    assert found.latency_ns.tolist() == [MS, NULL, MS]
    assert times_ns(found, found.latency_ns).tolist() == [MS, float("inf"), MS]


def test_queueing_and_service_wait_for_the_spans() -> None:
    made = served(np.arange(3) * MS, MS)
    spans = {name: values[:-1] for name, values in made.spans.items()}
    found = queries_of(record({"p": replace(made, spans=spans)}), "p")
    assert found.service_ns.tolist() == [MS, MS, NULL]
    assert found.latency_ns.tolist() == [MS, MS, MS]


def test_a_window_measures_what_was_due_in_it() -> None:
    window = {"begin_ns": MS, "end_ns": 3 * MS}
    found = queries_of(record({"p": served(np.arange(5) * MS, MS)}, window=window), "p")
    assert found.measured.tolist() == [False, True, True, False, False]
    assert found.count(Outcome.DONE) == 2


def test_a_pipeline_without_queries_has_an_empty_table() -> None:
    found = queries_of(record({"p": Traffic()}), "p")
    assert len(found) == 0
    assert found.to_arrow().num_rows == 0


def test_the_table_names_outcomes_and_keeps_nulls() -> None:
    traffic = unanswered(served(np.arange(3) * MS, MS, failed=[1]), 1)
    table = queries_of(record({"p": traffic}), "p").to_arrow()
    assert table["outcome"].to_pylist() == ["done", "failed", "lost"]
    assert table["done"].to_pylist()[2] is None
    assert table["latency_ns"].to_pylist() == [MS, None, None]
    assert OUTCOMES[RUNNING] == "running"
