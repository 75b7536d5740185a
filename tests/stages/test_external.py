"""Somebody's own program as a tenant: real processes, started, asked, stopped and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlbench.errors import MlbenchError, PipelineError
from mlbench.interfaces.stage import Context
from mlbench.run import Run, start
from mlbench.spec import Benchmark, load
from mlbench.stages.external.command import Command

EXAMPLE = Path(__file__).parents[2] / "examples/own_program_beside_service.yml"
DEADLINE_S = 30.0

COUNTS = """
import itertools, time
for number in itertools.count():
    print("step", number, "loss", 1 / (number + 1))
    time.sleep(0.002)
"""
HOOKED = """
import time
from mlbench.hook import ready, step
ready()
while True:
    time.sleep(0.002)
    step(loss=0.5)
"""

Open = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("capfd")  # a worker's log is a file, as it is in a run


def python(script: str, **options: Any) -> Command:
    return Command(command=(sys.executable, "-c", script), **options)


def eventually(condition: Callable[[], Any]) -> Any:
    end_s = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.005)
    return value


def state(pid: int) -> str:
    """The kernel's letter for what a process does; empty for one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


# -- steps -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "program",
    [python(COUNTS, pattern=r"step \d+ loss (?P<loss>\S+)"), python(HOOKED, progress="hook")],
    ids=["lines", "hook"],
)
def test_each_query_is_one_step_with_its_time_and_its_numbers(opened: Open, program: Any) -> None:
    context = Context()
    step = opened(program, context)
    before_ns = time.monotonic_ns()
    results = [step(None) for _ in range(5)]
    after_ns = time.monotonic_ns()
    assert [result["step"] for result in results] == [1, 2, 3, 4, 5]
    assert all(0 < result["loss"] < 1 for result in results)
    seconds = [(t, value) for name, t, value in context.visit.events if name == "step_seconds"]
    instants = [before_ns, *(t for t, _ in seconds), after_ns]
    assert instants == sorted(instants)
    assert [value for _, value in seconds] == [result["seconds"] for result in results]
    assert sum(value for _, value in seconds[1:]) == pytest.approx(
        (seconds[-1][0] - seconds[0][0]) / 1e9
    )


def test_the_program_never_waits_for_a_query_and_no_step_is_left_out(
    opened: Open, tmp_path: Path
) -> None:
    script = f"""
import pathlib, time
folder = pathlib.Path({str(tmp_path)!r})
print("step -1", flush=True)
while not (folder / "go").exists():
    time.sleep(0.005)
for number in range(100_000):
    print("step", number, flush=number % 1000 == 0)
(folder / "through").touch()
time.sleep(600)
"""
    unbuffered = {"PYTHONUNBUFFERED": ""}
    step = opened(python(script, pattern=r"step (?P<number>-?\d+)", environment=unbuffered))
    (tmp_path / "go").touch()
    numbers = [step(None)["number"]]
    eventually((tmp_path / "through").exists)
    numbers += [step(None)["number"] for _ in range(98_000)]
    assert numbers == list(range(98_001))


def test_a_program_without_the_hook_is_stopped_until_the_first_query(opened: Open) -> None:
    script = "import os; print('pid', os.getpid(), 'step', flush=True)\n" + COUNTS
    step = opened(python(script, pattern=r"(pid (?P<pid>\d+) )?step"))
    (program,) = (pid for pid in descendants(os.getpid()) if "itertools" in command_of(pid))
    eventually(lambda: state(program) == "T")
    step(None)
    assert state(program) != "T"


def test_it_is_stopped_between_warm_up_and_load_and_counts_anew(opened: Open) -> None:
    context = Context()
    step = opened(python(HOOKED, progress="hook"), context)
    assert [step(None)["step"] for _ in range(3)] == [1, 2, 3]
    (restore,) = context.restorers
    restore()
    (program,) = (pid for pid in descendants(os.getpid()) if "mlbench.hook" in command_of(pid))
    eventually(lambda: state(program) == "T")
    stopped_ns = time.monotonic_ns()
    context.visit.events.clear()
    assert step(None)["step"] == 1
    assert all(t > stopped_ns for _, t, _ in context.visit.events)


def descendants(pid: int) -> list[int]:
    import psutil

    return [process.pid for process in psutil.Process(pid).children(recursive=True)]


def command_of(pid: int) -> str:
    """What a process was started with, the keeper's own command line left out."""
    text = Path(f"/proc/{pid}/cmdline").read_text()
    return "" if "keeper.py" in text else text


# -- how it ends -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("step()", r"ended \(exit status 0\) after 1 steps, before the load was over"),
        ("1 / 0", r"(?s)ended \(exit status 1\) after 0 steps.*ZeroDivisionError"),
        ("import os; os.abort()", r"ended \(exit status 134 \(SIGABRT\)\) after 0 steps"),
    ],
)
def test_a_program_that_ends_ends_its_pipeline(opened: Open, script: str, message: str) -> None:
    hooked = f"from mlbench.hook import ready, step; ready(); {script}"
    step = opened(python(hooked, progress="hook"))
    with pytest.raises(PipelineError, match=message):
        [step(None) for _ in range(3)]
    with pytest.raises(PipelineError):
        step(None)


def test_a_program_that_ends_with_its_set_up_does_so_too(opened: Open) -> None:
    step = opened(python("print('step')"))
    with pytest.raises(PipelineError, match=r"ended \(exit status 0\) after 0 steps"):
        step(None)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (python("raise SystemExit('no data')"), r"(?s)exit status 1\) before its first.*no data"),
        (python("pass", progress="hook"), r"exit status 0\) before its first.*it said nothing"),
        (
            python("print('epoch 1'); import time; time.sleep(600)", timeout=0.6),
            r"(?s)did not print a line with 'step' within 0\.6 s.*epoch 1",
        ),
        (
            python("print('step', flush=True); import time; time.sleep(600)", progress="hook",
                   timeout=0.6),
            r"did not call ready\(\) or step\(\) of mlbench.hook within 0\.6 s",
        ),
        (Command(command=("trochrun", "x")), r"there is no program 'trochrun' on the path"),
        (Command(command=("./train.sh",)), r"there is no executable file './train.sh'"),
        (python("pass", directory="/nowhere"), r"there is no directory /nowhere"),
    ],
)  # fmt: skip
def test_a_program_that_does_not_get_to_its_first_step_says_why(
    opened: Open, program: Command, message: str
) -> None:
    with pytest.raises(MlbenchError, match=message):
        opened(program)


SPAWNS = """
import signal, subprocess, sys, time
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
signal.signal(signal.SIGTERM, lambda *_: (print("says goodbye", flush=True), sys.exit()))
print("child", child.pid, "step", flush=True)
while True:
    time.sleep(0.01)
    print("step", flush=True)
"""


def test_it_ends_gently_with_all_that_it_started(capfd: pytest.CaptureFixture[str]) -> None:
    others = descendants(os.getpid())
    with python(SPAWNS).open(Context()) as step:
        step(None)
        started = [pid for pid in descendants(os.getpid()) if pid not in others]
        assert len(started) == 3  # the keeper, the program, its child
    assert [pid for pid in started if state(pid)] == []
    assert "says goodbye" in capfd.readouterr().err


def test_it_ends_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    worker = f"""
import os, signal
from pathlib import Path
from mlbench.interfaces.stage import Context
from mlbench.stages.external.command import Command
import psutil
with Command(command=({sys.executable!r}, "-c", {SPAWNS!r})).open(Context()) as step:
    step(None)
    pids = [p.pid for p in psutil.Process().children(recursive=True)]
    Path({str(tmp_path / "pids")!r}).write_text(" ".join(map(str, pids)))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", worker], timeout=DEADLINE_S, check=False)
    assert done.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 3
    eventually(lambda: all(state(pid) in ("", "Z") for pid in pids))


# -- whole runs --------------------------------------------------------------------------


def run_of(tmp_path: Path, execution: str, *programs: Command) -> Run:
    pipelines = {
        f"p{index}": {
            "data": {"uses": "external.steps"},
            "execution": execution,
            "warmup": {"queries": 0},
            "stages": {"step": {"uses": "external.command", "with": program.model_dump()}},
        }
        for index, program in enumerate(programs)
    }
    bench = {"name": "b", "stop": {"seconds": 0.5}, "pipelines": pipelines}
    return start(Benchmark.model_validate(bench), tmp_path).wait(60)


def test_a_run_measures_the_steps_of_two_programs(tmp_path: Path) -> None:
    lines = python(COUNTS, pattern=r"step \d+ loss (?P<loss>\S+)")
    run = run_of(tmp_path, "serial", lines, python(HOOKED, progress="hook"))
    assert run.status == "done"
    events, queries, spans = run.events(), run.queries(), run.spans()
    for name in ("p0", "p1"):
        mine = queries[queries["pipeline"] == name]
        assert len(mine) > 3
        assert set(mine["outcome"]) == {"done"}
        assert set(events[events["pipeline"] == name]["name"]) == {"step_seconds", "loss"}
        steps = spans[(spans["pipeline"] == name) & (spans["query"] >= 0)]
        in_load = steps[steps["stage"] == "step"]
        assert (in_load["start"] >= run.manifest["barrier_ns"]).all()
    outputs = run.outputs()
    first = outputs[outputs["query"] == 0]["output"]
    assert [output["step"] for output in first] == [1, 1]
    assert "step 3 loss" in (run.path / "pipelines/p0/stderr.log").read_text()
    assert "swept" not in (run.path / "log.jsonl").read_text()


@pytest.mark.parametrize("execution", ["serial", "pipelined"])
def test_a_program_that_ends_fails_its_own_pipeline_and_no_other(
    tmp_path: Path, execution: str
) -> None:
    brief = "from mlbench.hook import ready, step\nready()\nfor _ in range(20):\n    step()\n"
    run = run_of(tmp_path, execution, python(brief, progress="hook"), python(COUNTS))
    ended, other = (run.manifest["pipelines"][name] for name in ("p0", "p1"))
    assert (run.status, ended["status"], other["status"]) == ("failed", "failed", "done")
    assert "ended (exit status 0) after 20 steps" in ended["reason"]
    outcomes = run.queries().groupby("pipeline", observed=True)["outcome"].agg(list)
    assert outcomes["p0"][:20] == ["done"] * 20
    assert outcomes["p0"][20:] == ["lost"]
    assert set(outcomes["p1"]) == {"done"}


def test_the_example_runs(tmp_path: Path) -> None:
    data = load(EXAMPLE).model_dump(by_alias=True, exclude_unset=True)
    bench = Benchmark.model_validate({**data, "stop": {"seconds": 1}})
    run = start(bench, tmp_path).wait(100)
    assert run.status == "done"
    outputs = run.outputs()
    losses = [output["loss"] for output in outputs[outputs["pipeline"] == "train"]["output"]]
    assert losses[-1] < losses[0]
