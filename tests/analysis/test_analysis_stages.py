"""Times by stage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from virtual import MS, Traffic, record, served

from mlbench.analysis.queries import measured_queries, queries_of
from mlbench.analysis.record import Record
from mlbench.analysis.stages import StageTimes, stage_times

pytestmark = pytest.mark.unit


def times(made: Record) -> dict[str, StageTimes]:
    queries = queries_of(made, "p")
    measured = measured_queries(made, "p")
    assert measured.tolist() == queries.query[queries.measured].tolist()
    return stage_times(made, "p", measured)


def test_service_and_queueing_stand_with_the_stage_that_had_them() -> None:
    found = times(record({"p": served(np.arange(20) * MS, 2 * MS)}, batch=3))
    assert list(found) == ["step", "data"]
    assert found["step"].spans == found["data"].spans == 20
    assert found["step"].service_ms.values["mean"] == 2
    assert found["data"].queueing_ms.values["mean"] == pytest.approx(9.5)
    assert found["step"].queueing_ms.values["mean"] == 0


def test_a_failed_span_is_an_error_and_takes_infinitely_long() -> None:
    found = times(record({"p": served(np.arange(20) * 5 * MS, MS, failed=[4])}))["step"]
    assert (found.spans, found.errors) == (20, 1)
    assert (found.service_ms.values["mean"], found.service_ms.values["p50"]) == (None, 1)
    assert found.service_ms.reasons["mean"].startswith("1 of 20 spans")
    assert found.queueing_ms.values["mean"] == 0


def test_spans_of_queries_outside_the_window_are_left_out() -> None:
    window = {"begin_ns": 5 * MS, "end_ns": 9 * MS}
    assert times(record({"p": served(np.arange(20) * MS, 1)}, window=window))["step"].spans == 4


def test_spans_of_warm_up_are_left_out() -> None:
    made = served(np.arange(3) * MS, 1)
    spans = {**made.spans, "query": [-1, -1, *made.spans["query"][2:]]}
    assert times(record({"p": replace(made, spans=spans)}))["step"].spans == 2


def test_a_stage_that_nothing_visited_has_no_times() -> None:
    found = times(record({"p": Traffic(stages=("never", "data"))}))["never"]
    assert (found.spans, found.errors) == (0, 0)
    assert found.service_ms.reasons["mean"] == "no spans have ended"


def test_a_code_that_the_manifest_does_not_name_belongs_to_no_stage() -> None:
    made = served(np.arange(3) * MS, 1)
    spans = {**made.spans, "stage": [7, 0, -3, 0, 1, 0]}
    found = times(record({"p": replace(made, spans=spans)}))
    assert (found["step"].spans, found["data"].spans) == (3, 1)
