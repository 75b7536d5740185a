"""Whoever is killed: the others go on, what was recorded stays, and no process is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from runs_support import (
    DEADLINE_S,
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
from mlbench.spawn import Engine

POISSON = {"poisson": {"rate": 100}}
BESIDE = pipeline(sleep(0.01))


def started_by(run: mlbench.Run, name: str) -> int:
    """The process that a `runs_stages:Starts` started."""
    log = run.path / "pipelines" / name / "stderr.log"

    def said() -> str:
        text = log.read_text() if log.exists() else ""
        return text if text.endswith("\n") else ""

    return int(eventually(said, "the stage starts a process").split()[1])


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
    assert outcomes(run, "a")["done"] >= 1
    assert run.summary()["verdict"] == "INVALID"


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
        run.wait(DEADLINE_S)
    assert run.status == "aborted"
    assert "no engine today" in run.engine_log()
    assert_nothing_is_left(run)


def test_a_killed_worker_keeps_every_row_that_it_recorded_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    loaded = pipeline(sleep(0.002), load=POISSON, stop={"seconds": 0.6})
    what = bench({"a": loaded, "b": BESIDE}, stop={"seconds": 60})
    with going(what, tmp_path) as run:
        wait_for_rows(run, "b/completions", 5)
        os.kill(process_of(run, "b"), signal.SIGKILL)
    assert run.status == "failed"
    assert outcomes(run, "b")["done"] >= 5
    assert outcomes(run, "b").get("lost", 0) <= 1
    assert run.manifest["pipelines"]["a"]["status"] == "done"
    assert set(outcomes(run, "a")) == {"done"}
    load = run.manifest["pipelines"]["a"]["load"]
    assert load["end_ns"] - load["begin_ns"] == 600_000_000


@pytest.mark.parametrize("who", ["driver", "recorder"])
def test_without_driver_or_recorder_the_run_ends_readable_and_says_why(
    tmp_path: Path, who: str
) -> None:
    loaded = pipeline(sleep(0.002), load=POISSON)
    with going(bench({"a": loaded, "b": BESIDE}, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "b/completions", 5)
        os.kill(process_of(run, who), signal.SIGKILL)
    assert run.status == "failed"
    assert any(f"the {who} ended" in reason for reason in run.manifest["reasons"])
    assert outcomes(run, "b")["done"] >= 5


def test_a_recorder_that_ends_before_there_is_a_run_fails_it_in_words(tmp_path: Path) -> None:
    with Engine() as engine:
        recorder = eventually(lambda: recorder_of(engine), "the recorder is there")
        os.kill(recorder, signal.SIGTERM)
        wait_for_end(recorder)
        run = mlbench.start(bench({"a": BESIDE}), tmp_path, engine=engine)
        run.wait(DEADLINE_S)
    assert run.status == "failed"
    assert run.manifest["reasons"][0] == "the recorder ended: killed by SIGTERM"
    assert "Traceback" not in run.engine_log()
    assert_nothing_is_left(run)


def recorder_of(engine: Engine) -> int | None:
    """The recorder that an engine without a run has."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            if name == "mlbench:recorde" and int(rest.split()[1]) == engine.identity["pid"]:
                return int(entry.name)
    return None


def test_a_caller_that_is_killed_does_not_end_the_run(tmp_path: Path) -> None:
    script = (
        "import sys, os, signal, mlbench as mb\n"
        "bench = mb.Benchmark(name='x', stop={'seconds': 0.5}, pipelines={'a': {\n"
        "    'data': {'uses': 'synthetic.items'},\n"
        "    'stages': {'s': {'uses': 'synthetic.sleep', 'with': {'seconds': 0.01}}}}})\n"
        "print(mb.start(bench, out=sys.argv[1]).path, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    run = mlbench.open_run(done.stdout.strip())
    eventually(lambda: run.manifest["status"] != "starting")
    run.wait(DEADLINE_S)
    assert run.status == "done"
    assert outcomes(run, "a")["done"] > 1
    assert_nothing_is_left(run)


def test_a_live_run_names_its_events(tmp_path: Path) -> None:
    what = bench({"a": pipeline(using("runs_stages:Says"), sleep(0.01))}, stop={"seconds": 60})
    with going(what, tmp_path) as run:
        wait_for_rows(run, "a/events", 4)
        assert set(run.events()["name"]) == {"first token", "tokens"}
        run.stop()
