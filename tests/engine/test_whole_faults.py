"""No fault loses or invents a query, and none leaves a process: on real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from runs_support import (
    assert_nothing_is_left,
    bench,
    ended,
    eventually,
    going,
    of,
    offsets,
    outcomes,
    pipeline,
    process_of,
    sleep,
    using,
    wait_for_rows,
)

import mlbench

POISSON = {"poisson": {"rate": 100}}
BESIDE = pipeline(sleep(0.01))


def accounted(run: mlbench.Run, name: str) -> None:
    """Every dispatched query has exactly one row."""
    queries = of(run.queries(), name)
    assert queries["query"].is_unique
    assert sum(outcomes(run, name).values()) == len(queries)
    assert list(queries["query"]) == list(range(len(queries)))


def test_a_stage_that_raises_is_a_row_and_the_run_goes_on(tmp_path: Path) -> None:
    flaky = pipeline(using("synthetic.fail", {"every": 4}))
    run = ended(bench({"a": flaky}, stop={"queries": 20}), tmp_path)
    assert run.status == "done"
    assert outcomes(run, "a") == {"done": 15, "failed": 5}
    assert "told to fail at query 3" in run.queries()["error"].dropna().iloc[0]
    (first, *others) = run.summary()["pipelines"]["a"]["failures"]
    assert (first["outcome"], first["count"], first["first_query"]) == ("failed", 1, 3)
    assert len(others) == 4


def test_memory_that_cannot_be_had_fails_the_query_and_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "greedy.py").write_text(
        "from mlbench import stage\n"
        "@stage\n"
        "def greedy(number: int) -> int:\n"
        "    return len(bytearray(1 << 62)) if number == 3 else number\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        greedy = pipeline(using("greedy:greedy"))
        run = ended(bench({"a": greedy}, stop={"queries": 10}), tmp_path)
    assert outcomes(run, "a") == {"done": 9, "failed": 1}
    assert "MemoryError" in run.queries()["error"].dropna().iloc[0]


@pytest.mark.parametrize("execution", ["serial", "pipelined"])
def test_a_worker_that_dies_ends_its_own_pipeline_and_no_other(
    tmp_path: Path, execution: str
) -> None:
    dies = pipeline(using("synthetic.crash", {"at": 10}), load=POISSON, execution=execution)
    run = ended(bench({"a": dies, "b": BESIDE}, stop={"seconds": 0.6}), tmp_path)
    entries = run.manifest["pipelines"]
    assert run.status == "failed"
    assert entries["a"]["status"] == "failed"
    assert "SIGKILL" in entries["a"]["reason"]
    assert entries["b"]["status"] == "done"
    assert outcomes(run, "a")["done"] == 10
    assert outcomes(run, "a")["lost"] >= 1
    assert set(outcomes(run, "b")) == {"done"}
    accounted(run, "a")
    assert "ends its process at query 10" in (run.path / "pipelines/a/stderr.log").read_text()


@pytest.mark.parametrize("execution", ["serial", "pipelined"])
def test_a_stage_that_hangs_times_out_and_its_stack_is_kept(tmp_path: Path, execution: str) -> None:
    hangs = pipeline(using("synthetic.hang", {"at": 5}), load=POISSON, execution=execution)
    limits = {"query": 0.5, "grace": 0.3}
    run = ended(bench({"a": hangs, "b": BESIDE}, stop={"seconds": 0.5}, timeouts=limits), tmp_path)
    assert run.status == "failed"
    assert outcomes(run, "a")["timed_out"] == 1
    assert outcomes(run, "a")["done"] == 5
    accounted(run, "a")
    assert "hang.py" in (run.path / "pipelines/a/stderr.log").read_text()


def test_a_stage_that_is_slow_to_close_does_not_fail_its_pipeline(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import threading\nfrom contextlib import contextmanager\nfrom mlbench import Stage\n"
        "class Slow(Stage):\n"
        "    @contextmanager\n"
        "    def open(self, context):\n"
        "        yield lambda payload: payload\n"
        "        threading.Event().wait()\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        slow = pipeline(using("slow:Slow"))
        run = ended(bench({"a": slow}, stop={"queries": 5}, timeouts={"grace": 0.5}), tmp_path)
    assert run.status == "done"
    assert outcomes(run, "a") == {"done": 5}
    assert any("did not close within 0.5 s" in reason for reason in run.manifest["reasons"])


def test_waiting_in_front_of_a_busy_stage_is_no_hang(tmp_path: Path) -> None:
    busy = pipeline(
        {"uses": "synthetic.noop"},
        sleep(0.02),
        load={"constant": {"rate": 100}},
        execution="pipelined",
    )
    limits = {"query": 0.3, "grace": 0.2}
    run = ended(bench({"a": busy}, stop={"seconds": 1}, timeouts=limits), tmp_path)
    assert run.status == "done"
    assert set(outcomes(run, "a")) == {"done", "timed_out"}
    accounted(run, "a")


def test_queries_that_the_drain_limit_cut_off_make_a_run_invalid(tmp_path: Path) -> None:
    slow = pipeline(sleep(0.02), load={"constant": {"rate": 100}})
    run = ended(bench({"a": slow}, stop={"seconds": 0.5}, timeouts={"drain": 0.1}), tmp_path)
    summary = run.summary()
    assert summary["pipelines"]["a"]["outcomes"]["cancelled"] > 0
    assert any("cancelled at the drain limit" in reason for reason in summary["reasons"])


def test_an_offline_load_is_measured_to_its_last_completion(tmp_path: Path) -> None:
    all_at_once = pipeline(sleep(0.01), load={"offline": {"queries": 60}})
    run = ended(bench({"a": all_at_once}, stop=None, timeouts={"drain": 0.1}), tmp_path)
    found = run.summary()["pipelines"]["a"]
    assert outcomes(run, "a") == {"done": 60}
    assert found["load_seconds"] >= 0.6
    assert found["saturated"] is None
    assert run.summary()["verdict"] == "VALID"


def test_a_killed_worker_keeps_every_row_that_it_recorded(tmp_path: Path) -> None:
    with going(bench({"a": pipeline(sleep(0.005))}, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "a/completions", 5)
        os.kill(process_of(run, "a"), signal.SIGKILL)
    assert run.status == "failed"
    assert outcomes(run, "a")["done"] >= 5
    assert outcomes(run, "a").get("lost", 0) <= 1


def test_a_killed_driver_ends_the_run_and_loses_no_query(tmp_path: Path) -> None:
    loaded = pipeline(sleep(0.002), load=POISSON)
    with going(bench({"a": loaded, "b": BESIDE}, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "a/completions", 5)
        os.kill(process_of(run, "driver"), signal.SIGKILL)
    assert run.status == "failed"
    assert any("the driver ended" in reason for reason in run.manifest["reasons"])
    accounted(run, "a")


def test_a_killed_recorder_ends_the_run_readable(tmp_path: Path) -> None:
    with going(bench({"a": BESIDE}, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "a/completions", 5)
        os.kill(process_of(run, "recorder"), signal.SIGKILL)
    assert run.status == "failed"
    assert outcomes(run, "a")["done"] >= 5


def test_a_killed_supervisor_is_an_aborted_run_with_all_its_rows(tmp_path: Path) -> None:
    loaded = pipeline(sleep(0.002), load=POISSON)
    with going(bench({"a": loaded, "b": BESIDE}, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "b/completions", 5)
        os.kill(run.manifest["engine"]["pid"], signal.SIGKILL)
    assert run.status == "aborted"
    assert_nothing_is_left(run)
    accounted(run, "a")
    assert outcomes(run, "b")["done"] >= 5
    assert run.summary()["verdict"] == "INVALID"


def test_a_grandchild_in_a_session_of_its_own_is_ended_too(tmp_path: Path) -> None:
    (tmp_path / "spawner.py").write_text(
        "import subprocess\nfrom contextlib import contextmanager\nfrom mlbench import Stage\n"
        "class Spawner(Stage):\n"
        "    @contextmanager\n"
        "    def open(self, context):\n"
        "        subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "        yield lambda payload: payload\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        ended(bench({"a": pipeline(using("spawner:Spawner"))}, stop={"queries": 3}), tmp_path)


def test_a_caller_that_is_killed_does_not_end_the_run(tmp_path: Path) -> None:
    script = (
        "import sys, os, signal, mlbench as mb\n"
        "bench = mb.Benchmark(name='x', stop={'seconds': 0.8}, pipelines={'a': {\n"
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
    run.wait(30)
    assert run.status == "done"
    assert outcomes(run, "a")["done"] > 20
    assert_nothing_is_left(run)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_engine_stops_the_run(tmp_path: Path, number: int) -> None:
    with going(bench({"a": BESIDE}, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "a/completions", 3)
        os.kill(run.manifest["engine"]["pid"], number)
    assert run.status == "stopped"


def test_an_engine_that_was_stopped_for_a_while_goes_on(tmp_path: Path) -> None:
    """SIGSTOP of all processes of the run for ten seconds: late, so INVALID, and complete."""
    import time

    from runs_support import processes_of

    loaded = pipeline(load={"constant": {"rate": 100}})
    with going(bench({"a": loaded, "b": BESIDE}, stop={"seconds": 2}), tmp_path) as run:
        wait_for_rows(run, "a/completions", 3)
        pids = processes_of(run)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(10)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert run.status == "done"
    assert outcomes(run, "a") == {"done": 200}
    assert offsets(run, "a") == [number * 10_000_000 for number in range(200)]
    summary = run.summary()
    assert summary["verdict"] == "INVALID"
    assert any("late" in reason for reason in summary["reasons"])


def test_a_wall_clock_that_jumps_moves_no_stamp(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import time\n"
        "_real, _calls = time.time_ns, []\n"
        "def _jumping():\n"
        "    _calls.append(_real())\n"
        "    return _calls[-1] - (3600 * 10**9 if len(_calls) > 1 else 0)\n"
        "time.time_ns = _jumping\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        run = ended(bench({"a": pipeline(load=POISSON)}, stop={"seconds": 0.6}), tmp_path)
    clock = run.manifest["clock"]
    wall_ns = clock["end"]["realtime_ns"] - clock["begin"]["realtime_ns"]
    steady_ns = clock["end"]["monotonic_ns"] - clock["begin"]["monotonic_ns"]
    assert wall_ns < 0 < steady_ns
    assert run.queries()["due"].is_monotonic_increasing
    assert (run.queries()["latency_ns"] > 0).all()


def test_a_directory_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(mlbench.MlbenchError, match="cannot make"):
        mlbench.start(bench({"a": BESIDE}), out=tmp_path / "file")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_ends_the_run_and_leaves_it_readable(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        loaded = pipeline(load={"constant": {"rate": 3000}})  # a batch is far smaller than the disk
        run = ended(bench({"a": loaded}, stop={"seconds": 60}), small)
        assert run.status == "failed"
        assert any("No space left" in reason for reason in run.manifest["reasons"])
        assert outcomes(run, "a")["done"] > 100
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
