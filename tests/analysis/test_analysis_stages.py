"""Times by stage."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual import MS, Traffic, chunked, record, served, table_of

from mlbench.analysis.pieces import Pieces
from mlbench.analysis.queries import measured_queries, queries_of
from mlbench.analysis.record import Record
from mlbench.analysis.stages import StageTimes, stage_times, times_by_stage
from mlbench.records import SPANS, Outcome

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


SPAN = st.tuples(
    st.integers(-2, 9),  # query
    st.integers(-1, 3),  # stage, of two that have a name
    st.integers(0, 2**62),
    *(st.integers(0, 2**60),) * 2,
    st.sampled_from(Outcome),
)


@settings(deadline=None)
@given(st.lists(SPAN, max_size=60), st.lists(st.integers(0, 9), unique=True), st.integers(1, 70))
def test_times_are_those_of_span_after_span(
    spans: list[tuple[int, ...]], measured: list[int], size: int
) -> None:
    """To the last bit and in the order of the spans, whatever the pieces."""
    query, stage, ready, waited, took, outcome = ([span[i] for span in spans] for i in range(6))
    start = [a + b for a, b in zip(ready, waited, strict=True)]
    end = [a + b for a, b in zip(start, took, strict=True)]
    stamps = {"ready": ready, "start": start, "end": end, "outcome": outcome}
    ids = {"query": query, "stage": stage, "parents": [[]] * len(spans)}
    table = chunked(table_of(SPANS, {**ids, **stamps}), 7)
    found = times_by_stage(Pieces(table, rows=size), np.array(measured, dtype=np.int64), 2)
    for code, parts in enumerate(found):
        rows = [i for i in range(len(spans)) if stage[i] == code and query[i] in measured]
        done = [outcome[i] == Outcome.DONE for i in rows]
        service = [float(took[i]) if ok else inf for i, ok in zip(rows, done, strict=True)]
        assert parts.service_ns().tolist() == service
        assert parts.queueing_ns().tolist() == [float(waited[i]) for i in rows]
