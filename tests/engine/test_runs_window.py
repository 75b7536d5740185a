"""Runs with a window: what a study makes of its blocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs_support import NOOP, bench, ended, of, outcomes, pipeline, sleep

from mlbench.spec import Window

WINDOW = Window(settle=0.2, seconds=0.3)


@pytest.mark.parametrize("execution", ["serial", "pipelined"])
def test_what_has_not_ended_at_the_drain_limit_is_censored(tmp_path: Path, execution: str) -> None:
    """A saturated pipeline: its queries end where they are, and the run is still VALID."""
    slow = pipeline(sleep(0.02), execution=execution, load={"constant": {"rate": 200}})
    what = bench({"slow": slow, "beside": pipeline(sleep(0.002))}, timeouts={"drain": 0.3})
    run = ended(what, tmp_path, window=Window(settle=0.1, seconds=1))
    queries = of(run.queries(), "slow")
    measured = queries[queries["measured"]]
    assert (measured["outcome"] == "cancelled").sum() > 50
    assert len(measured) == 200
    assert measured.loc[measured["outcome"] == "cancelled", "latency_ns"].isna().all()
    assert queries["query"].is_unique
    summary = run.summary()
    assert summary["verdict"] == "VALID", summary["reasons"]
    assert summary["pipelines"]["slow"]["saturated"] is True
    assert summary["pipelines"]["slow"]["latency_ms"]["p90"] is None


def test_the_others_are_filler_until_the_last_query_of_the_window_has_ended(
    tmp_path: Path,
) -> None:
    slow = pipeline(sleep(0.25), load={"constant": {"rate": 10}}, warmup={"queries": 0})
    run = ended(bench({"slow": slow, "beside": pipeline(sleep(0.002))}), tmp_path, window=WINDOW)
    queries = run.queries()
    last_ns = queries.loc[queries["measured"], "done"].max()
    beside = of(queries, "beside")
    assert set(queries.loc[queries["measured"], "outcome"]) == {"done"}
    window, due = run.manifest["window"], queries["due"]
    inside = (due >= window["begin_ns"]) & (due < window["end_ns"])
    assert (queries["measured"] == inside).all()
    assert (beside["due"].min(), beside["measured"].all()) == (run.manifest["barrier_ns"], False)
    assert last_ns > run.manifest["window"]["end_ns"] + 100_000_000
    assert beside["due"].max() > (run.manifest["window"]["end_ns"] + last_ns) / 2


def test_a_load_that_is_finite_ends_before_the_window_does(tmp_path: Path) -> None:
    offline = pipeline(NOOP, load={"offline": {"queries": 20}})
    run = ended(bench({"a": offline, "b": pipeline(sleep(0.005))}), tmp_path, window=WINDOW)
    assert run.status == "done"
    assert outcomes(run, "a") == {"done": 20}
    assert of(run.queries(), "b")["due"].max() >= run.manifest["window"]["end_ns"]


@pytest.mark.parametrize("only", [None, []])
def test_nobody_at_all_is_a_recording_of_the_window(tmp_path: Path, only: list[str] | None) -> None:
    what = bench({} if only is None else {"a": pipeline()})
    run = ended(what, tmp_path, only=only, window=WINDOW)
    load = run.manifest["phases"][2]
    assert run.status == "done"
    assert run.manifest["pipelines"] == {}
    assert load["end_ns"] >= run.manifest["window"]["end_ns"]
