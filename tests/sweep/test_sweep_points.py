"""Sweeps that are executed: real kernels, real runs, and ends of every kind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sweep_support import notebook, plan, spec

from mlbench.run import open_run
from mlbench.study.study import open_study
from mlbench.sweep.conduct import resume, run
from mlbench.sweep.executor import LOCKED, TERMINATED
from mlbench.sweep.layout import LOG, NOTEBOOK, STATE, point_directory, read_plan
from mlbench.sweep.local import Local
from mlbench.sweep.locks import HeldError, Locks, runtime_directory
from mlbench.sweep.opened import Sweep, open_sweep
from mlbench.sweep.planning import begin
from mlbench.sweep.processes import marked
from mlbench.sweep.state import CONTAMINATED, DONE, PLANNED, RUNNING, states
from mlbench.sweep.table import sweep_results

RELAXED = [
    "limits.lateness_p99_ms 1000 instead of 5",
    "limits.harness_share 1 instead of 0.2",
    "study.foreign_share 1 instead of 0.05",
    "study.steal_share 1 instead of 0.01",
]
"""The thresholds of the spec that let more pass than the defaults."""

SECONDS = "pipelines.left.stages.wait.with.seconds"


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps of other tests, and of the person at this machine, hold nothing here."""
    monkeypatch.setenv("MLBENCH_LOCKS", str(tmp_path / "locks"))


def block(directory: Path, name: str, *options: str) -> subprocess.Popen[bytes]:
    """A block in a process of its own, which says what it says in ``said``."""
    command = [sys.executable, "-m", "mlbench.sweep.block", str(directory), name, *options]
    with (directory / "said").open("wb") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def processes_of(sweep: Sweep) -> list[int]:
    points = sweep.manifest.points
    return [pid for p in points for pid in marked(point_directory(sweep.path.resolve(), p.id))]


# -- notebooks ---------------------------------------------------------------------------


def test_points_that_fail_hang_or_die_are_rows_like_the_others(tmp_path: Path) -> None:
    tiny = notebook(tmp_path / "tiny.ipynb")
    parameters = {"zip": {"x": [1, 2, 3, 4], "mode": ["ok", "fail", "die", "hang"]}}
    sweep = run(plan(tiny, parameters=parameters, timeouts={"cell": 2}), out=tmp_path / "runs")
    table = sweep.results().set_index("x")
    assert table["status"].to_dict() == {1: "done", 2: "failed", 3: "failed", 4: "timed-out"}
    kinds = table["error_kind"].fillna("").to_dict()
    assert kinds == {1: "", 2: "ValueError", 3: "KernelDied", 4: "CellTimeoutError"}
    assert table.loc[2, "error"] == "as it was told"
    assert table.loc[1, "square"] == 1
    assert table["attempts"].tolist() == [1, 1, 1, 1]
    for point in sweep.manifest.points:
        kept = (point_directory(sweep.path, point.id) / NOTEBOOK).read_text()
        assert "began" in kept, "a notebook keeps what its cells have printed so far"
    assert processes_of(sweep) == []
    written = pd.read_parquet(sweep.path / "results.parquet")
    pd.testing.assert_frame_equal(written, sweep_results(sweep.path))


def test_a_sweep_that_was_killed_gives_the_table_of_one_that_was_not(tmp_path: Path) -> None:
    tiny = notebook(tmp_path / "tiny.ipynb")
    parameters = {"zip": {"x": [1, 2, 3], "mode": ["ok", "fail", "ok"]}}
    made = plan(tiny, parameters=parameters)
    code = (
        "import mlbench.sweep.conduct as c; from pathlib import Path\n"
        f"c.execute(Path({str(begin(made, tmp_path / 'killed'))!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    (path,) = (tmp_path / "killed").iterdir()
    killed = open_sweep(path)
    until(lambda: killed.counts()[RUNNING] == 1 and killed.left < 3)
    process.kill()
    process.wait()
    until(lambda: killed.counts()[RUNNING] == 0 and not processes_of(killed))
    assert 0 < killed.left < 3
    finished = {name: each for name, each in killed.states().items() if each.attempts}
    resume(path)
    assert {name: killed.states()[name] for name in finished} == finished, "made no point twice"
    whole = run(made, out=tmp_path / "whole")
    same = ["point", "x", "mode", "status", "attempts", "square", "error", "identity", "seed"]
    pd.testing.assert_frame_equal(killed.results()[same], whole.results()[same])


def test_a_notebook_whose_time_is_up_keeps_what_its_cell_has_printed(tmp_path: Path) -> None:
    cell = "print('so far', flush=True)\nimport time; time.sleep(600)"
    hangs = notebook(tmp_path / "a.ipynb", cell)
    sweep = run(plan(hangs, timeouts={"whole": 3}), out=tmp_path / "runs")
    (state,) = sweep.states().values()
    assert (state.status, state.error and state.error["kind"]) == ("timed-out", "Timeout")
    (point,) = sweep.manifest.points
    assert "so far" in (point_directory(sweep.path, point.id) / NOTEBOOK).read_text()


def test_a_run_that_a_notebook_starts_is_in_the_table_and_ends_with_its_point(
    tmp_path: Path,
) -> None:
    bench = f"bench = mb.load({str(spec(tmp_path / 'two.yml'))!r})"
    starts = notebook(
        tmp_path / "starts.ipynb",
        f"import mlbench as mb\n{bench}\nmb.start(bench, out).wait()\n"
        "endless = bench.model_copy(update={'stop': {'seconds': 600}})\n"
        "mb.start(mb.Benchmark.model_validate(endless.plain()), out + '-left')",
    )
    sweep = run(plan(starts), out=tmp_path / "runs")
    table = sweep.results()
    assert table["status"].tolist() == [DONE, DONE]
    assert table["pipeline"].tolist() == ["left", "right"]
    assert table["queries"].tolist() == [5, 5]
    assert processes_of(sweep) == []


FORKS = """\
import os, sys, time
import mlbench.sweep.notebook_point as point
from mlbench.sweep.block import main
from mlbench.sweep.outcome import Outcome

def execute(*point):
    if os.fork() == 0:
        time.sleep(600)  # and has the pipe through which the point tells how it came out
        os._exit(0)
    return Outcome()

point.prepare, point.execute = lambda: None, execute
sys.exit(main(sys.argv[1:]))
"""


def test_a_point_ends_with_its_process_though_one_that_it_forked_lives(tmp_path: Path) -> None:
    directory = begin(plan(notebook(tmp_path / "a.ipynb")), tmp_path / "runs")
    subprocess.run([sys.executable, "-c", FORKS, str(directory), "r000"], timeout=40, check=True)
    (state,) = open_sweep(directory).states().values()
    assert state.status == DONE


def test_a_point_whose_state_was_torn_is_made_again_and_no_other(tmp_path: Path) -> None:
    made = plan(spec(tmp_path / "two.yml"), make="run", repeats=2)
    sweep = run(made, out=tmp_path / "runs")
    torn, other = sweep.states()
    before = sweep.states()
    (point_directory(sweep.path, torn) / STATE).write_text("")
    resume(sweep.path)
    after = sweep.states()
    assert after[other] == before[other]
    assert (after[torn].status, after[torn].error) == (DONE, None)
    assert (after[torn].began or 0) > (before[torn].began or 0)


# -- specs -------------------------------------------------------------------------------


def test_a_study_is_a_point_with_a_row_for_each_treatment_and_pipeline(tmp_path: Path) -> None:
    made = plan(spec(tmp_path / "two.yml"), parameters={"grid": {SECONDS: [0.005]}})
    sweep = run(made, out=tmp_path / "runs")
    table = sweep.results()
    assert set(zip(table["treatment"], table["pipeline"], strict=True)) == {
        ("alone-left", "left"),
        ("alone-right", "right"),
        ("together", "left"),
        ("together", "right"),
    }
    together = table[table["role"] == "collocated"]
    assert together["slowdown_throughput"].notna().all()
    assert table[table["role"] == "isolated"]["slowdown_throughput"].isna().all()
    assert (table["throughput"] > 0).all()
    assert table[SECONDS].tolist() == [0.005] * 4


def test_one_repeat_is_one_block_and_too_few_as_in_a_study_of_one(tmp_path: Path) -> None:
    sweep = run(plan(spec(tmp_path / "two.yml")), out=tmp_path / "runs")
    summary, (point,) = sweep.summary(), sweep.manifest.points
    too_few = "together has 1 VALID block of 1, fewer than 3 (study: {min_blocks: 3})."
    assert summary["verdict"] == "INVALID"
    assert summary["reasons"] == [f"{point.id}: {too_few}"]
    assert summary["relaxed"] == RELAXED
    assert "set repeats in the plan to 3 or more" in str(summary["next"])
    table = sweep.results()
    assert set(table["verdict"]) == {"INVALID"}
    assert set(table["reasons"]) == {too_few}
    assert set(table["relaxed"]) == {"; ".join(RELAXED)}
    (study,) = (point_directory(sweep.path, point.id) / "runs").iterdir()
    assert open_study(study).summary()["reasons"] == [too_few]


def test_as_many_repeats_as_a_study_needs_blocks_are_valid(tmp_path: Path) -> None:
    sweep = run(plan(spec(tmp_path / "two.yml"), repeats=3), out=tmp_path / "runs")
    summary = sweep.summary()
    assert (summary["verdict"], summary["reasons"], summary["next"]) == ("VALID", [], [])
    assert summary["relaxed"] == RELAXED
    table = sweep.results()
    assert set(table["verdict"]) == {"VALID"}
    assert not table["left_out"].any()
    assert table[table["role"] == "collocated"]["slowdown_throughput_low"].notna().all()


def test_a_block_that_is_asked_to_end_plans_again_and_leaves_no_process(tmp_path: Path) -> None:
    endless = {"fixed": {"stop.queries": 10**6}}
    made = plan(spec(tmp_path / "two.yml"), make="run", parameters=endless)
    sweep = open_sweep(begin(made, tmp_path / "runs"))
    process = block(sweep.path, "r000")
    until(lambda: len(processes_of(sweep)) > 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == TERMINATED
    assert processes_of(sweep) == []
    (state,) = sweep.states().values()
    assert (state.status, state.attempts) == (PLANNED, 0)


def test_a_block_that_was_finished_executes_nothing(tmp_path: Path) -> None:
    sweep = run(plan(spec(tmp_path / "two.yml"), make="run"), out=tmp_path / "runs")
    before = sweep.states()
    assert block(sweep.path, "r000").wait(30) == 0
    assert sweep.states() == before
    (folder,) = (point_directory(sweep.path, point) / "runs" for point in before)
    (made,) = folder.iterdir()
    assert open_run(made).status == "done"


# -- together on one machine -------------------------------------------------------------


def spans(directory: Path) -> Iterator[tuple[float, float]]:
    for state in states(directory, [p.id for p in read_plan(directory).points]).values():
        assert state.status == DONE
        assert state.began is not None
        assert state.ended is not None
        yield state.began, state.ended


def test_two_sweeps_never_have_the_same_processor_at_once(tmp_path: Path) -> None:
    made = plan(spec(tmp_path / "two.yml"), make="run", repeats=2, devices=["cpu"])
    first, second = (begin(made, tmp_path / name) for name in ("one", "two"))
    running = [block(path, "r000") for path in (first, second)]
    assert [process.wait(60) for process in running] == [0, 0]
    running = [block(path, "r001") for path in (first, second)]
    assert [process.wait(60) for process in running] == [0, 0]
    order = sorted([*spans(first), *spans(second)])
    assert all(before[1] <= after[0] for before, after in pairwise(order))


def test_a_block_that_does_not_wait_says_who_holds_what_it_needs(tmp_path: Path) -> None:
    directory = begin(plan(spec(tmp_path / "two.yml"), make="run"), tmp_path / "runs")
    locks = Locks(runtime_directory())
    locks.take(["cpu-0000"], {"sweep": "runs/other", "block": "r000", "process": 7}, None)
    process = block(directory, "r000", "--no-wait")
    assert process.wait(30) == LOCKED
    locks.release()
    told = "cpu-0000 is held by the sweep runs/other (block r000, process 7)"
    assert told in (directory / "said").read_text()


def test_a_sweep_that_does_not_wait_and_is_refused_leaves_nothing(tmp_path: Path) -> None:
    locks = Locks(runtime_directory())
    locks.take(["cpu-0000"], {"sweep": "runs/other", "block": "r000", "process": 7}, None)
    made = plan(spec(tmp_path / "two.yml"), make="run")
    with pytest.raises(HeldError, match="cpu-0000 is held by the sweep runs/other"):
        run(made, out=tmp_path / "runs", executor=Local(waits=False))
    locks.release()
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_point_that_others_disturb_is_made_again_up_to_a_limit(tmp_path: Path) -> None:
    limits = {"foreign_share": 0, "steal_share": 1, "attempts": 2}
    made = plan(spec(tmp_path / "two.yml"), make="run", contamination=limits)
    busy = subprocess.Popen(["taskset", "-c", "0", sys.executable, "-c", "while True: pass"])
    try:
        directory = begin(made, tmp_path / "runs")
        patient = "import mlbench.sweep.foreign as f; f.PATIENCE_S = 0\n"
        patient += "from mlbench.sweep.block import main\n"
        code = patient + f"raise SystemExit(main([{str(directory)!r}, 'r000']))"
        subprocess.run([sys.executable, "-c", code], timeout=60, check=True)
    finally:
        busy.kill()
        busy.wait()
    (state,) = open_sweep(directory).states().values()
    assert (state.status, state.attempts) == (CONTAMINATED, 2)
    assert "Others used" in state.reasons[0]
    (point,) = read_plan(directory).points
    assert (point_directory(directory, point.id) / "earlier/000" / LOG).is_file()


def test_points_that_failed_are_made_again_where_that_is_asked_for(tmp_path: Path) -> None:
    broken: dict[str, Any] = {"pipelines.left.stages.wait.uses": "synthetic.crash"}
    broken["pipelines.left.stages.wait.with"] = {"at": 1}
    made = plan(spec(tmp_path / "two.yml"), make="run", parameters={"fixed": broken})
    sweep = run(made, out=tmp_path / "runs")
    (state,) = sweep.states().values()
    assert (state.status, state.attempts) == ("failed", 1)
    resume(sweep.path)
    assert list(sweep.states().values()) == [state]
    resume(sweep.path, failed=True)
    (again,) = sweep.states().values()
    assert (again.status, again.attempts) == ("failed", 2)
