"""Whatever ends, however: the others go on, what was recorded stays, and no process is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from runs_support import (
    assert_nothing_is_left,
    bench,
    ended,
    eventually,
    going,
    of,
    outcomes,
    pipeline,
    process_of,
    processes_of,
    sleep,
    using,
    wait_for_end,
    wait_for_rows,
)

import mlbench
from mlbench.errors import EngineError

POISSON = {"poisson": {"rate": 100}}
BESIDE = pipeline(sleep(0.01))


def started_by(run: mlbench.Run, name: str) -> int:
    """The process that a `runs_stages:Starts` started."""
    log = run.path / "pipelines" / name / "stderr.log"
    said = eventually(lambda: log.exists() and log.read_text(), "the stage starts a process")
    return int(said.split()[1])


def is_gone(pid: int) -> bool:
    return wait_for_end(pid, seconds=0)


@pytest.mark.parametrize("how", [{}, {"leaves": True}, {"leaves": True, "forgets": True}])
def test_a_process_that_a_stage_left_behind_ends_with_the_run(
    tmp_path: Path, how: dict[str, bool]
) -> None:
    run = ended(bench({"a": pipeline(using("runs_stages:Starts", how))}), tmp_path)
    assert run.status == "done"
    assert is_gone(int(run.outputs()["output"].iloc[0]))


def test_what_a_dead_worker_had_started_does_not_run_beside_the_others(tmp_path: Path) -> None:
    starts, dies = using("runs_stages:Starts"), using("synthetic.crash", {"at": 2})
    what = bench({"a": pipeline(starts, dies), "b": BESIDE}, stop={"seconds": 60})
    with going(what, tmp_path) as run:
        child = started_by(run, "a")
        assert wait_for_end(child)
        assert run.status == "load"
        run.stop()
    assert of(run.queries(), "b")["outcome"].eq("done").any()


def test_a_killed_engine_takes_all_with_it_even_what_left_its_session(tmp_path: Path) -> None:
    starts = pipeline(using("runs_stages:Starts", {"leaves": True}), sleep(0.01))
    with going(bench({"a": starts}, stop={"seconds": 60}), tmp_path) as run:
        child = started_by(run, "a")
        wait_for_rows(run, "a/completions")
        run.kill()
    assert run.status == "aborted"
    assert is_gone(child)


def test_an_engine_that_is_killed_at_once_leaves_nothing(tmp_path: Path) -> None:
    slow = pipeline(using("runs_stages:SlowToOpen", {"seconds": 60}))
    with going(bench({"a": slow}), tmp_path) as run:
        eventually(lambda: len(processes_of(run)) >= 4, "engine, recorder, guardian, worker")
        os.kill(process_of(run, "engine"), signal.SIGKILL)
        eventually(lambda: run.status == "aborted")
    assert run.summary()["verdict"] == "INVALID"


def test_an_engine_that_never_began_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('no engine today')")
    monkeypatch.syspath_prepend(tmp_path)
    run = mlbench.start(bench({"a": BESIDE}), tmp_path / "runs")
    with pytest.raises(EngineError, match="did not start"):
        run.wait(30)
    assert run.status == "aborted"
    assert "no engine today" in run.engine_log()
    assert_nothing_is_left(run)


@pytest.mark.parametrize("who", ["guardian", "b"])
def test_the_pipeline_that_lives_goes_on_to_its_end(tmp_path: Path, who: str) -> None:
    what = bench({"a": pipeline(sleep(0.002), load=POISSON), "b": BESIDE}, stop={"seconds": 0.6})
    with going(what, tmp_path) as run:
        wait_for_rows(run, "b/completions", 3)
        os.kill(process_of(run, who), signal.SIGKILL)
    assert run.manifest["pipelines"]["a"]["status"] == "done"
    assert set(outcomes(run, "a")) == {"done"}
    load = run.manifest["pipelines"]["a"]["load"]
    assert load["end_ns"] - load["begin_ns"] == 600_000_000
    assert run.status == ("done" if who == "guardian" else "failed")


def test_the_names_of_events_outlive_the_worker_that_said_them(tmp_path: Path) -> None:
    says, dies = using("runs_stages:Says"), using("synthetic.crash", {"at": 5})
    run = ended(bench({"a": pipeline(says, dies)}), tmp_path)
    assert run.status == "failed"
    assert list(run.events()["name"].cat.categories) == ["first token", "tokens"]
    assert run.events()["name"].notna().all()


def test_a_live_run_names_its_events(tmp_path: Path) -> None:
    what = bench({"a": pipeline(using("runs_stages:Says"), sleep(0.01))}, stop={"seconds": 60})
    with going(what, tmp_path) as run:
        wait_for_rows(run, "a/events", 4)
        assert set(run.events()["name"]) == {"first token", "tokens"}
        run.stop()


def test_every_dispatched_query_of_a_dead_open_pipeline_is_accounted_for_once(
    tmp_path: Path,
) -> None:
    """More wait than its worker ever took: they are lost, each of them once."""
    dies = pipeline(
        sleep(0.02), using("synthetic.crash", {"at": 4}), load={"constant": {"rate": 500}}
    )
    run = ended(bench({"a": dies, "b": BESIDE}, stop={"seconds": 0.5}), tmp_path)
    rows = [batch.to_pandas() for batch in run.tail()[0]["dispatch"]]
    dispatched = sorted(query for frame in rows for query in frame["query"])
    queries = of(run.queries(), "a")
    assert list(queries["query"]) == dispatched == list(range(len(dispatched)))
    assert outcomes(run, "a") == {"done": 4, "lost": len(dispatched) - 4}
    assert len(dispatched) > 20


def test_a_full_inbox_and_a_dead_worker_keep_no_one_waiting(tmp_path: Path) -> None:
    """All at once, more than a pipe holds: the driver waits for room, and its reader dies."""
    dies = pipeline(using("synthetic.crash", {"at": 3}), load={"offline": {"queries": 50_000}})
    loaded = pipeline(sleep(0.001), load=POISSON, stop={"seconds": 0.5})
    run = ended(bench({"a": dies, "b": loaded}, stop=None), tmp_path)
    assert run.manifest["pipelines"]["b"]["status"] == "done"
    assert sum(outcomes(run, "a").values()) == len(of(run.queries(), "a"))
    assert outcomes(run, "a")["done"] == 3
