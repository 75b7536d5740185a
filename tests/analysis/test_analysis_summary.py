"""The document that ``mlbench run --json`` prints."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, closed, record, served

from mlbench.analysis.record import Record
from mlbench.analysis.summary import summary

pytestmark = pytest.mark.unit

STEADY = served(np.arange(1000) * 10 * MS, MS, end_ns=10 * SECOND)


def written(made: Record) -> dict[str, Any]:
    """The summary as it is after a trip through strict JSON."""
    found: dict[str, Any] = json.loads(json.dumps(summary(made), allow_nan=False))
    return found


def test_a_run_has_the_documented_keys() -> None:
    found = written(record({"p": replace(STEADY, spec={"slo": {"latency_ms": 2}})}))
    pipeline = found["pipelines"]["p"]
    assert [found[key] for key in ("run", "status", "verdict", "reasons", "window")] == [
        None,
        "done",
        "VALID",
        [],
        None,
    ]
    assert (pipeline["status"], pipeline["queries"], pipeline["errors"]) == ("done", 1000, 0)
    assert pipeline["offered_rate"] == pipeline["achieved_rate"] == 100
    ones = {"mean": 1, "p50": 1, "p90": 1, "p95": 1, "p99": 1}
    assert pipeline["latency_ms"] == pipeline["service_ms"] == ones
    assert pipeline["lateness_ms"] == pipeline["queueing_ms"] == dict.fromkeys(ones, 0)
    assert pipeline["stages"]["step"]["service_ms"] == ones
    assert pipeline["stages"]["step"]["spans"] == 1000
    assert pipeline["slo"] == {"latency_ms": 2, "attainment": 1, "goodput": 100}
    assert pipeline["saturated"] is False
    assert pipeline["backlog_slope"]["estimate"] == pytest.approx(0, abs=0.2)
    assert pipeline["null_reasons"] == {}


def test_what_is_null_has_a_reason() -> None:
    pipeline = written(record({"p": closed([MS] * 20)}))["pipelines"]["p"]
    assert pipeline["latency_ms"]["p90"] is None
    assert pipeline["null_reasons"]["latency_ms.p90"] == "p90 needs 64 queries, there are 20"
    assert pipeline["null_reasons"]["stages.step.service_ms.p90"].startswith("p90 needs 64 spans")
    assert "closed" in pipeline["null_reasons"]["saturated"]


def test_failures_are_counted_and_hidden_nowhere() -> None:
    failing = served(np.arange(100) * 10 * MS, MS, failed=range(60))
    pipeline = written(record({"p": failing}))["pipelines"]["p"]
    assert (pipeline["queries"], pipeline["errors"]) == (100, 60)
    assert pipeline["outcomes"]["failed"] == 60
    assert set(pipeline["latency_ms"].values()) == {None}
    assert pipeline["stages"]["step"]["errors"] == 60


def test_an_overloaded_pipeline_is_valid_and_saturated() -> None:
    found = written(record({"p": served(np.arange(500) * MS, 2 * MS)}))
    pipeline = found["pipelines"]["p"]
    assert (found["verdict"], pipeline["saturated"]) == ("VALID", True)
    assert pipeline["backlog_slope"]["estimate"] == pytest.approx(500, rel=0.02)


def test_queries_whose_spans_do_not_fit_are_counted_where_they_are_left_out() -> None:
    made = closed([MS] * 20)
    spans = {**made.spans, "end": [*made.spans["end"][:-1], 5]}
    pipeline = written(record({"p": replace(made, spans=spans)}))["pipelines"]["p"]
    assert pipeline["null_reasons"]["service_ms"].startswith("1 done queries are left out")
    assert pipeline["service_ms"]["p50"] == pipeline["latency_ms"]["p50"] == 1


def test_one_query() -> None:
    pipeline = written(record({"p": closed([5 * MS])}))["pipelines"]["p"]
    assert (pipeline["queries"], pipeline["latency_ms"]["mean"]) == (1, 5)
    assert pipeline["achieved_rate"] == 200
    assert pipeline["latency_ms"]["p50"] is None


def test_a_run_without_pipelines() -> None:
    found = written(record({}))
    assert (found["verdict"], found["pipelines"], found["shared_seconds"]) == ("VALID", {}, 0)


def test_a_run_without_queries() -> None:
    found = written(record({"p": Traffic()}))
    pipeline = found["pipelines"]["p"]
    assert found["verdict"] == "INVALID"
    assert (pipeline["queries"], pipeline["offered_rate"]) == (0, None)
    assert pipeline["null_reasons"]["offered_rate"] == "no load was measured"


def test_a_run_whose_engine_has_written_no_more_than_names() -> None:
    bare = Record(
        {"format": 1, "status": "setup", "pipelines": {"p": {}}}, record({"p": Traffic()}).bench
    )
    found = written(bare)
    assert (found["status"], found["verdict"]) == ("setup", "INVALID")
    assert found["pipelines"]["p"]["stages"] == {}


def test_a_run_that_goes_on_is_summed_up_so_far() -> None:
    half = {name: values[:500] for name, values in STEADY.completions.items()}
    going = replace(STEADY, completions=half, end_ns=None).says(status="running")
    found = written(record({"p": going}, status="load"))
    pipeline = found["pipelines"]["p"]
    assert found["reasons"] == [
        "The run is still going (phase load), so its numbers are not final."
    ]
    assert (pipeline["outcomes"]["done"], pipeline["outcomes"]["running"]) == (500, 500)
    assert pipeline["latency_ms"]["p50"] == 1


def test_the_window_is_in_seconds_from_the_barrier() -> None:
    window = {"begin_ns": 3 * SECOND, "end_ns": 8 * SECOND}
    found = written(record({"p": STEADY}, window=window, barrier_ns=SECOND))
    assert found["window"] == {"begin": 2, "end": 7}
    assert found["pipelines"]["p"]["queries"] == 500


def test_two_pipelines_share_a_part_of_their_loads() -> None:
    found = written(record({"a": STEADY, "b": closed([SECOND] * 4)}))
    assert found["shared_seconds"] == 4
    assert found["pipelines"]["a"]["load_seconds"] == 10
