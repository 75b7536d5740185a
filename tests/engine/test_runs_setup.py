"""Before the load: what does not open, what is too slow, and who asks to stop early."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from runs_support import (
    DEADLINE_S,
    assert_nothing_is_left,
    bench,
    ended,
    eventually,
    going,
    offsets,
    outcomes,
    pipeline,
    sleep,
    using,
    wait_for_rows,
)

from mlbench.errors import EngineError, OutputError
from mlbench.interfaces.stage import Payload, stage
from mlbench.launch import launch, new_directory
from mlbench.run import Run, open_run, start

SLOW_TO_OPEN = pipeline(using("runs_stages:SlowToOpen", {"seconds": 20}))
BROKEN = pipeline(using("runs_stages:Broken"))


def entry(run: Run, name: str) -> tuple[str, str | None]:
    """How a pipeline ended, and why."""
    found = run.manifest["pipelines"][name]
    return found["status"], found["reason"]


@pytest.mark.parametrize("other", [pipeline(), SLOW_TO_OPEN], ids=["ready", "still opening"])
def test_who_waits_for_a_broken_one_is_stopped_and_not_failed(
    tmp_path: Path, other: dict[str, object]
) -> None:
    what = bench({"broken": BROKEN, "other": other}, timeouts={"grace": 0.3})
    run = ended(what, tmp_path)
    assert run.status == "failed"
    status, reason = entry(run, "broken")
    assert status == "failed"
    assert re.fullmatch(r"FileNotFoundError: no weights here \(runs_stages\.py:\d+\)", str(reason))
    assert entry(run, "other") == ("stopped", None)
    assert run.manifest["barrier_ns"] is None
    assert run.queries().empty
    assert "runs_stages.py" in (run.path / "pipelines/broken/stderr.log").read_text()


def test_a_missing_package_says_what_to_install(tmp_path: Path) -> None:
    run = ended(bench({"a": pipeline(using("runs_stages:WithoutExtra"))}), tmp_path)
    assert "pip install 'mlbench[vision]'" in str(entry(run, "a")[1])


def test_a_setup_that_takes_too_long_ends_the_run(tmp_path: Path) -> None:
    limits = {"setup": 1.5, "grace": 0.2}
    run = ended(bench({"slow": SLOW_TO_OPEN, "other": pipeline()}, timeouts=limits), tmp_path)
    assert run.status == "failed"
    assert entry(run, "slow")[0] == "failed"
    assert "setup took longer than 1.5 s" in str(entry(run, "slow")[1])
    assert entry(run, "other") == ("stopped", None)
    assert run.manifest["barrier_ns"] is None


def test_a_run_can_be_stopped_while_it_is_set_up(tmp_path: Path) -> None:
    with going(bench({"slow": SLOW_TO_OPEN}, timeouts={"grace": 0.2}), tmp_path) as run:
        eventually(lambda: run.status == "setup")
        run.stop()
    assert run.status == "stopped"
    assert entry(run, "slow")[0] == "stopped"


def test_a_stop_that_came_before_the_engine_is_seen(tmp_path: Path) -> None:
    directory = new_directory(tmp_path, "early")
    (directory / "stop").touch()
    run = Run(directory, launch(bench({"a": pipeline()}, stop={"seconds": 60}), directory))
    run.wait(DEADLINE_S)
    assert run.status == "stopped"
    assert run.manifest["barrier_ns"] is None
    assert_nothing_is_left(run)


def test_a_file_called_stop_is_all_that_it_takes(tmp_path: Path) -> None:
    pipelines = {
        "open": pipeline(sleep(0.01), load={"poisson": {"rate": 200}}),
        "closed": pipeline(sleep(0.01)),
    }
    with going(bench(pipelines, stop={"seconds": 60}), tmp_path) as run:
        wait_for_rows(run, "closed/completions", 3)
        (run.path / "stop").write_text("please")
    assert run.status == "stopped"
    assert run.manifest["reasons"] == ["asked to stop"]
    for name in pipelines:
        assert set(outcomes(run, name)) <= {"done", "cancelled"}
        assert sum(outcomes(run, name).values()) == len(offsets(run, name))


NAMES = ["..x ☃<b>", "plain", "x_-1", "x☃", "a b", "a_b", "$(id)", "-rf"]


def test_a_pipeline_may_have_nearly_any_name_and_stays_in_its_folder(tmp_path: Path) -> None:
    run = ended(bench({name: pipeline(stop={"queries": 2}) for name in NAMES}), tmp_path)
    folders = {path.name for path in (run.path / "pipelines").iterdir()}
    assert folders == {run.manifest["pipelines"][name]["folder"] for name in NAMES}
    assert len(folders) == len(NAMES)
    assert "plain" in folders
    assert all(outcomes(run, name) == {"done": 2} for name in NAMES)
    assert {path.name for path in tmp_path.iterdir()} == {run.id}


def test_resources_are_opened_once_and_shared(tmp_path: Path) -> None:
    counts = using("runs_stages:Counts", {"to": "$list"})
    shared = {"list": {"uses": "runs_stages:Counter"}}
    what = bench({"a": pipeline(counts, counts, resources=shared)}, stop={"queries": 3})
    run = ended(what, tmp_path)
    assert (run.path / "pipelines/a/stderr.log").read_text().count("opened") == 1
    assert list(run.outputs()["output"]) == [4, 6, 8]  # behind the two of warm-up


def test_a_stage_that_cannot_be_sent_is_named_and_leaves_no_directory(tmp_path: Path) -> None:
    @stage
    def locked(payload: Payload) -> Payload:
        with held:
            return payload

    held = threading.Lock()
    with pytest.raises(EngineError, match=r"locked cannot be sent .*'_thread.lock'"):
        start(bench({"a": pipeline({"uses": locked})}), tmp_path)
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import sys
from contextlib import contextmanager
import mlbench as mb

SHIFT = 100

class Shifted(mb.Stage):
    by: int = 1

    @contextmanager
    def open(self, context):
        yield lambda number: number + self.by + SHIFT

@mb.stage
def doubled(number: int, *, plus: int = 0) -> int:
    return 2 * number + plus

class Letters(mb.DataSource):
    @contextmanager
    def open(self, context):
        yield [1, 2, 3]

bench = mb.Benchmark(name="script", stop={"queries": 3}, pipelines={"a": {
    "data": {"uses": Letters, "order": "sequential"},
    "stages": {
        "shift": {"uses": Shifted, "with": {"by": 10}, "to": "double"},
        "double": {"uses": doubled, "with": {"plus": 1}},
    },
}})
print(mb.start(bench, out=sys.argv[1]).wait(60).path)
"""


def test_stages_of_a_script_travel_with_what_they_refer_to(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    run = open_run(done.stdout.strip())
    assert list(run.outputs()["output"]) == [223, 225, 227]
    local = {f"__main__:{name}" for name in ("Shifted", "Letters", "doubled")}
    assert set(run.manifest["local_code"]) == local
    assert all(len(value) == 16 for value in run.manifest["local_code"].values())
    assert run.bench.pipelines["a"].stages["shift"].uses == "__main__:Shifted"
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"cloudpickle.cloudpickle" in path.read_bytes()]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_place_that_is_read_only_is_one_clear_error(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(tmp_path)]
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    try:
        with pytest.raises(OutputError, match=r"cannot make .*: Read-only file system"):
            start(bench({"a": pipeline()}), tmp_path / "runs")
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)
