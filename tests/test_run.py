"""A run, seen from outside: while it goes on, when it has ended, and when it never began."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import mlbench
from mlbench.errors import EngineError, MlbenchError, OutputError, SpecError
from mlbench.run import Run

Begin = Callable[..., Run]

DEADLINE_S = 60
LONG: dict[str, float] = {"seconds": 60}


def bench(stop: dict[str, float] = LONG, **pipelines: dict[str, Any]) -> mlbench.Benchmark:
    limits = {"lateness_p99_ms": 2000}  # other tests keep the machine busy
    return mlbench.Benchmark(name="a run", stop=stop, limits=limits, pipelines=pipelines)


def waiting(seconds: float = 0.005, **keys: Any) -> dict[str, Any]:
    """A pipeline of one stage that sleeps."""
    stage = {"uses": "synthetic.sleep", "with": {"seconds": seconds}}
    return {"data": {"uses": "synthetic.items"}, "stages": {"wait": stage}, **keys}


OPEN: dict[str, Any] = {"load": {"poisson": {"rate": 300}}}


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start runs; what still goes on after the test is stopped."""
    begun: list[Run] = []

    def start(stop: dict[str, float], **pipelines: dict[str, Any]) -> Run:
        begun.append(mlbench.start(bench(stop, **pipelines), tmp_path))
        return begun[-1]

    yield start
    for run in begun:
        run.stop()
        run.wait(DEADLINE_S)


@pytest.fixture
def live(begin: Begin) -> Run:
    """A run that goes on until the test is over."""
    return begin(LONG, a=waiting(), b=waiting(0.001, **OPEN))


def rows(batches: dict[str, list[pa.RecordBatch]]) -> dict[str, pa.Table]:
    """The batches of each stream as one table."""
    return {stream: pa.Table.from_batches(found) for stream, found in batches.items()}


def done(run: Run) -> int:
    """How many queries of the load were done, as far as it is written."""
    return int(run.queries()["outcome"].eq("done").sum())


# -- while it goes on --------------------------------------------------------------------


def test_start_returns_at_once_and_wait_gives_the_run_when_it_has_ended(begin: Begin) -> None:
    run = begin({"queries": 10}, a=waiting())
    assert run.is_going
    assert run.wait(DEADLINE_S) is run
    assert run.status == "done"
    assert run.wait() is run
    assert not mlbench.open_run(run.path).is_going


def test_every_status_on_the_way_can_be_read(begin: Begin) -> None:
    """Summary and tables of whatever is there, from the first instant to the last."""
    run = begin({"seconds": 0.5}, a=waiting(), b=waiting(**OPEN))
    seen, end_s = set(), time.monotonic() + DEADLINE_S
    while run.is_going and time.monotonic() < end_s:
        seen.add(run.status)
        summary = json.loads(json.dumps(run.summary(), allow_nan=False))
        assert summary["run"] == run.id
        assert set(run.queries()["outcome"]) <= {"done", "running"}
        run.spans(), run.events(), run.outputs()
    run.wait(DEADLINE_S)
    assert seen >= {"starting", "load"}
    assert run.summary()["verdict"] == "VALID"


def test_pieces_that_are_tailed_make_exactly_the_whole(begin: Begin) -> None:
    run = begin({"seconds": 0.8}, a=waiting(0.001), b=waiting(**OPEN))
    pieces: dict[str, list[pa.RecordBatch]] = {}
    cursor, calls = None, 0

    def take() -> None:
        nonlocal cursor, calls
        batches, after = run.tail(cursor)
        cursor = json.loads(json.dumps(after))
        calls += bool(batches)
        for stream, found in batches.items():
            pieces.setdefault(stream, []).extend(found)

    end_s = time.monotonic() + DEADLINE_S
    while run.is_going and time.monotonic() < end_s:
        take()
    take()  # all that there is to come was written before the status changed
    run.wait(DEADLINE_S)
    assert calls > 2
    whole = rows(run.tail()[0])
    assert rows(pieces) == whole
    assert set(whole) >= {"dispatch", "a/completions", "a/spans", "b/completions", "b/spans"}
    assert run.tail(cursor) == ({}, cursor)


def test_the_stages_are_those_of_the_summary_and_of_the_spans_one_by_one(tmp_path: Path) -> None:
    stages = {"first": {"uses": "synthetic.noop", "to": "then"}, "then": {"uses": "synthetic.noop"}}
    quick = {"data": {"uses": "synthetic.items"}, "stages": stages, "warmup": {"queries": 3}}
    run = mlbench.start(bench({"queries": 700}, a=quick, b=waiting(1e-5)), tmp_path)
    found = run.wait(DEADLINE_S).stages().set_index(["pipeline", "stage", "metric"])
    summary, spans = run.summary()["pipelines"], run.spans()
    spans = spans[spans["query"] >= 0]
    times = {"service": spans["end"] - spans["start"], "queueing": spans["start"] - spans["ready"]}
    for (pipeline, stage, metric), row in found.iterrows():
        part, key = metric.split("_")
        told = summary[pipeline]["stages"][stage]
        assert (row["value_ms"], row["spans"]) == (told[f"{part}_ms"][key], told["spans"])
        mine = (spans["pipeline"] == pipeline) & (spans["stage"] == stage)
        values = times[part][mine].to_numpy("float64")
        share = 0 if key == "mean" else int(key[1:]) / 100
        plain = np.quantile(values, share, method="inverted_cdf") if share else values.mean()
        assert row["value_ms"] == plain / 1e6
    assert len(found) == 5 * 2 * (3 + 2)


def test_a_wait_that_is_too_short_leaves_the_run_going(live: Run) -> None:
    with pytest.raises(TimeoutError, match=r"goes on after 0\.05 s"):
        live.wait(0.05)
    assert live.is_going


def test_another_process_can_wait_for_it_and_stop_it(live: Run) -> None:
    end_s = time.monotonic() + DEADLINE_S
    while live.status != "load" and time.monotonic() < end_s:
        time.sleep(0.01)
    other = mlbench.open_run(live.path)
    assert other.status == "load"
    other.stop()
    assert other.wait(DEADLINE_S).status == "stopped"


def test_a_run_that_is_killed_is_aborted_and_readable(live: Run) -> None:
    end_s = time.monotonic() + DEADLINE_S
    while not done(live) and time.monotonic() < end_s:
        time.sleep(0.01)
    before = done(live)
    mlbench.open_run(live.path).kill()
    live.wait(DEADLINE_S)
    assert live.status == mlbench.open_run(live.path).status == "aborted"
    assert done(live) >= before > 0
    live.kill()
    assert live.summary()["verdict"] == "INVALID"


def test_the_last_queries_of_a_pipeline_that_has_ended_are_not_lost_meanwhile(
    begin: Begin,
) -> None:
    """Its end is known at once, its last rows come within a quarter of a second."""
    run = begin(LONG, a=waiting(stop={"queries": 60}), b=waiting())
    end_s = time.monotonic() + DEADLINE_S
    done = 0
    outcomes: set[str] = set()
    while done < 60 and time.monotonic() < end_s:
        queries = run.queries()
        outcomes |= set(queries["outcome"])
        done = int(((queries["pipeline"] == "a") & (queries["outcome"] == "done")).sum())
    assert outcomes <= {"done", "running"}


# -- when it has ended -------------------------------------------------------------------


def test_to_stop_or_kill_what_has_ended_changes_nothing(begin: Begin) -> None:
    run = begin({"queries": 3}, a=waiting()).wait(DEADLINE_S)
    before = run.manifest
    run.stop()
    run.kill()
    assert run.manifest == before
    assert run.status == "done"


def test_a_run_of_no_pipelines_has_empty_tables_with_their_columns(begin: Begin) -> None:
    run = begin({"seconds": 0.2}).wait(DEADLINE_S)
    assert run.status == "done"
    assert (run.summary()["verdict"], run.summary()["pipelines"]) == ("VALID", {})
    for frame in (run.queries(), run.spans(), run.events(), run.outputs()):
        assert frame.empty
        assert frame.columns[0] == "pipeline"
    assert {"query", "due", "outcome", "latency_ns"} <= set(run.queries().columns)
    assert [phase["name"] for phase in run.manifest["phases"]] == [
        "setup", "warm-up", "load", "drain",
    ]  # fmt: skip


def test_some_pipelines_run_without_the_others_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    what = bench({"queries": 3}, a=waiting(), b=waiting())
    run = mlbench.start(what, tmp_path, only=["b"]).wait(DEADLINE_S)
    assert list(run.manifest["pipelines"]) == ["b"]
    with pytest.raises(SpecError, match=r"no pipeline is called 'c' \(known: a, b\)"):
        mlbench.start(what, tmp_path, only=["b", "c"])
    assert [path.name for path in tmp_path.iterdir()] == [run.id]


def test_a_run_says_what_it_is(tmp_path: Path) -> None:
    what = bench({"queries": 3}, a=waiting())
    run = mlbench.start(what, tmp_path).wait(DEADLINE_S)
    assert repr(run) == f"Run({str(run.path)!r}, status='done')"
    assert run.id == run.path.name
    assert run.id.split("-", 2)[2].startswith("a-run-")
    assert run.bench == what
    assert run.engine_log() == ""


# -- when it never began -----------------------------------------------------------------


def test_a_spec_that_cannot_run_leaves_no_directory(tmp_path: Path) -> None:
    wrong = waiting()
    wrong["stages"] = {"wait": {"uses": "synthetic.slep"}}
    with pytest.raises(SpecError, match=r"synthetic\.slep"):
        mlbench.start(bench(a=wrong), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_cannot_be_started_is_an_error_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    run = mlbench.start(bench(a=waiting()), tmp_path)
    with pytest.raises(EngineError, match="did not start"):
        run.wait(DEADLINE_S)
    assert run.status == "aborted"
    assert run.queries().empty
    assert run.summary()["verdict"] == "INVALID"


def test_a_place_that_is_a_file_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot make"):
        mlbench.start(bench(a=waiting()), tmp_path / "file")


@pytest.mark.parametrize("use", [mlbench.start, mlbench.collocate, mlbench.Builder])
def test_the_path_of_a_spec_is_no_benchmark_and_says_what_to_type(use: Any) -> None:
    with pytest.raises(MlbenchError, match=r"such as mb\.load\('spec\.yml'\), not str"):
        use("spec.yml")


def test_a_summary_is_the_same_without_pyarrow(begin: Begin) -> None:
    from mlbench.analysis.summary import summary

    failing = {"uses": "synthetic.fail", "with": {"every": 3}}
    flaky = {**waiting(), "stages": {"fails": failing}}
    run = begin({"queries": 30}, a=waiting(), b=waiting(0.001, **OPEN), c=flaky).wait(DEADLINE_S)
    told = run.summary()
    assert told == {**summary(run.record()), "run": run.id}
    assert told["pipelines"]["c"]["failures"]

    code = (
        f"import sys, mlbench as mb; mb.open_run({str(run.path)!r}).summary(); print(*sys.modules)"
    )
    asked = [sys.executable, "-c", code]
    loaded = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy"} == {"numpy", "pandas", "pyarrow"}.intersection(loaded)
