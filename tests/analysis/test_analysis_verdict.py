"""When a run is INVALID, and what it says then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, closed, record, served

from mlbench.analysis.harness import harness_share
from mlbench.analysis.verdict import verdict

pytestmark = pytest.mark.unit

STEADY = served(np.arange(100) * 10 * MS, MS, end_ns=SECOND)


def reasons(traffic: Traffic = STEADY, **manifest: Any) -> list[str]:
    return list(verdict(record({"rag": traffic}, **manifest)).reasons)


def test_a_run_that_did_what_it_says_is_valid() -> None:
    found = verdict(record({"rag": STEADY}))
    assert (str(found), found.valid, found.reasons) == ("VALID", True, ())


def test_a_recording_of_the_machine_alone_is_valid() -> None:
    assert verdict(record({})).valid


def test_a_recording_is_whole_whenever_somebody_ends_it() -> None:
    assert verdict(record({}, status="stopped", reasons=["asked to stop"])).valid
    assert not verdict(record({}, status="aborted")).valid


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("load", "The run is still going (phase load), so its numbers are not final."),
        ("aborted", "The run was aborted: its engine ended without closing it."),
        ("stopped", "The run was stopped before its load had ended."),
        ("failed", "The run failed."),
    ],
)
def test_a_run_that_did_not_end_by_itself_is_invalid(status: str, reason: str) -> None:
    assert reasons(status=status) == [reason]


def test_a_run_that_was_stopped_says_so_and_no_more() -> None:
    few = replace(closed([MS, MS, MS]), spec={"stop": {"seconds": 20}})
    said = ["The run was stopped before its load had ended.", "got SIGINT"]
    assert reasons(few, status="stopped", reasons=["asked to stop", "got SIGINT"]) == said
    none = Traffic(kind="closed").says(status="stopped")
    began = reasons(none, status="stopped", barrier_ns=None)
    assert began == ["The run was stopped before its load began."]


@pytest.mark.parametrize(
    ("cpus", "harness", "share"),
    [
        ([0, 1], [1], 0.15),
        ([1], [1], 0.3),
        ([1], [1, 2], 0.15),
        ([0], [1], 0.0),
        ([0], [], None),
    ],
)
def test_what_measures_may_take_a_fifth_of_a_pipeline_s_processors(
    cpus: list[int], harness: list[int], share: float | None
) -> None:
    cost = {"cpu_ns": 100 * MS, "wall_ns": SECOND}
    told = {"cpus": harness, "driver": {**cost, "cpu_ns": 200 * MS}, "recorder": cost}
    run = record({"rag": STEADY.says(placement={"cpus": cpus})}, harness=told)
    assert harness_share(run, "rag") == (None if share is None else pytest.approx(share))
    crowded = "What measures took 30% of the processors of rag, more than 20% "
    assert [reason.startswith(crowded) for reason in verdict(run).reasons] == (
        [True] if share == 0.3 else []
    )


def test_what_measures_on_the_other_thread_of_a_core_is_on_that_core() -> None:
    told = {"cpus": [2, 3], "driver": {"cpu_ns": 800 * MS, "wall_ns": SECOND}}
    cores = {"cpu": {"cores": [[0, 2], [1, 3]]}}
    placed = {"rag": STEADY.says(placement={"cpus": [0]})}
    assert harness_share(record(placed, harness=told), "rag") == 0
    assert harness_share(record(placed, harness=told, machine=cores), "rag") == pytest.approx(0.2)


def test_a_run_that_is_still_being_opened_says_nothing_of_loads_that_did_not_begin() -> None:
    none = Traffic(kind="closed").says(status="failed", reason="no weights here")
    assert not any(
        "no load began" in each for each in reasons(none, status="setup", barrier_ns=None)
    )


def test_the_engine_may_have_reasons_of_its_own() -> None:
    assert reasons(reasons=["The disk is full."]) == ["The disk is full."]


def test_a_late_driver_makes_a_run_invalid() -> None:
    late = served(np.arange(100) * 10 * MS, MS, late=6 * MS, end_ns=SECOND)
    assert reasons(late) == [
        "rag was offered late: the latest 2 of 100 queries by at least 6 ms, over the limit "
        "(limits: {lateness_p99_ms: 5}) and over 1 % of its median latency of 7 ms."
    ]


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "its only query by 6 ms"),
        (19, "the latest of 19 queries by 6 ms"),
        (661, "the latest 7 of 661 queries by at least 6 ms"),
        (662, "p99 of lateness 6 ms"),
    ],
)
def test_a_p99_of_lateness_is_only_told_of_where_there_are_queries_for_it(count, told) -> None:
    late = served(np.arange(count) * 10 * MS, MS, late=6 * MS)
    assert any(f"rag was offered late: {told}, over" in reason for reason in reasons(late))


def test_lateness_that_a_slow_pipeline_does_not_notice_is_no_reason() -> None:
    assert not reasons(served(np.arange(5) * 2 * SECOND, SECOND, late=6 * MS))


def test_lateness_counts_where_nothing_succeeds_too() -> None:
    late = served(np.arange(3) * 10 * MS, MS, late=6 * MS, failed=[0, 1, 2])
    assert reasons(late) == [
        "rag was offered late: the latest of 3 queries by 6 ms, over the limit "
        "(limits: {lateness_p99_ms: 5}).",
        "rag completed nothing: none of its 3 queries was done; most often, 3 times: it broke.",
    ]


def test_a_gap_in_the_indices_was_not_dispatched() -> None:
    gap = {name: [*values[:40], *values[41:]] for name, values in STEADY.dispatch.items()}
    done = {name: [*values[:40], *values[41:]] for name, values in STEADY.completions.items()}
    spans = {name: [*values[:80], *values[82:]] for name, values in STEADY.spans.items()}
    assert reasons(replace(STEADY, dispatch=gap, completions=done, spans=spans)) == [
        "rag was offered short: 100 queries were due, 99 were dispatched."
    ]


@pytest.mark.parametrize(
    ("load", "short"),
    [
        ("constant: 100", False),
        ("constant: 120", True),
        ("poisson: 120", False),
        ("poisson: 200", True),
    ],
)
def test_a_load_whose_rate_is_known_must_reach_it(load: str, short: bool) -> None:
    name, _, rate = load.partition(": ")
    spec = {"load": {name: {"rate": float(rate)}}}
    found = reasons(replace(STEADY, spec=spec))
    assert [r.startswith("rag was offered short") for r in found] == [True] * short


def test_the_manifest_knows_best_how_many_were_due() -> None:
    load = {"kind": "open", "begin_ns": 0, "end_ns": SECOND, "offered": 101}
    assert reasons(STEADY.says(load=load)) == [
        "rag was offered short: 101 queries were due, 100 were dispatched."
    ]


def test_minima_that_were_not_reached() -> None:
    stop = {"stop": {"min_seconds": 30, "min_queries": 500, "max_seconds": 60}}
    assert reasons(replace(STEADY, spec=stop)) == [
        "rag was under load for 1 s, its minimum is 30 s.",
        "rag had 100 queries, its minimum is 500.",
    ]


def test_the_benchmarks_stop_rule_holds_for_a_pipeline_without_its_own() -> None:
    bench = {"stop": {"queries": 200}}
    assert reasons(bench=bench) == ["rag had 100 queries, its minimum is 200."]
    assert not reasons(replace(STEADY, spec={"stop": {"queries": 100}}), bench=bench)


def test_in_a_window_an_exact_length_is_the_windows() -> None:
    window = {"begin_ns": 0, "end_ns": SECOND // 2}
    spec = {"stop": {"seconds": 60, "min_queries": 60}}
    assert reasons(replace(STEADY, spec=spec), window=window) == [
        "rag had 50 queries, its minimum is 60."
    ]


def test_a_pipeline_that_died_left_the_others_alone() -> None:
    dead = replace(STEADY, end_ns=3 * SECOND).says(status="failed", reason="killed by SIGKILL")
    found = verdict(record({"rag": dead, "train": closed([MS] * 3)}))
    assert found.reasons == (
        "rag ended by failure at second 3.0 of the load: killed by SIGKILL. "
        "So train ran without it from second 3.0 on.",
    )


def test_the_cause_stands_before_what_followed_from_it() -> None:
    short = replace(closed([MS] * 3), spec={"stop": {"queries": 9}})
    dead = replace(STEADY, end_ns=SECOND).says(status="failed", reason="killed by SIGKILL")
    found = verdict(record({"train": short, "rag": dead}, status="failed")).reasons
    assert [reason.partition(" ")[0] for reason in found] == ["rag", "train"]


def test_of_two_failures_the_first_one_stands_first() -> None:
    def dead(second: int) -> Traffic:
        return STEADY.says(status="failed", reason="boom", ended_ns=second * SECOND)

    found = verdict(record({"later": dead(2), "first": dead(1)}, status="failed")).reasons
    assert [reason.partition(" ")[0] for reason in found] == ["first", "later"]


def test_before_the_load_nothing_is_said_but_the_cause() -> None:
    waiting = Traffic().says(status="stopped", load=None)
    broken = Traffic().says(status="failed", reason="no weights here", load=None)
    run = {"status": "failed", "barrier_ns": None}
    assert verdict(record({"other": waiting, "broken": broken}, **run)).reasons == (
        "broken ended by failure before its load: no weights here. So no load began.",
    )
    assert reasons(waiting, reasons=["The device refuses."], **run) == ["The device refuses."]


def test_a_pipeline_that_never_began_says_so() -> None:
    dead = Traffic().says(status="failed", reason="no such model.", load=None)
    assert reasons(dead) == [
        "rag ended by failure before its load: no such model.",
        "rag completed nothing: it had no queries.",
    ]


def test_a_recorder_that_held_the_worker_up_counts_from_a_thousandth_of_the_load() -> None:
    assert not reasons(STEADY.says(stalled_ns=MS // 2))
    assert reasons(STEADY.says(stalled_ns=2 * MS)) == [
        "rag waited 2 ms for the recorder, over 0.1 % of its load phase of 1 s."
    ]


def test_saturation_and_single_failures_are_findings() -> None:
    assert not reasons(served(np.arange(100) * MS, 3 * MS, failed=[5, 6]))
