"""Limits of open files and of memory: what fits works, what does not says what to type."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import resource, sys
import mlbench

pipeline = {
    "data": {"uses": "synthetic.items"},
    "load": {"poisson": {"rate": 50}},
    "stages": {"only": {"uses": "synthetic.noop"}},
}
names = [f"p{number}" for number in range(int(sys.argv[2]))]
bench = mlbench.Benchmark(
    name="files", stop={"seconds": 0.2}, pipelines=dict.fromkeys(names, pipeline)
)
kind, limit = getattr(resource, sys.argv[3]), int(sys.argv[4])
resource.setrlimit(kind, (limit, limit))
try:
    print(mlbench.start(bench, out=sys.argv[1]).wait(60).status)
except mlbench.MlbenchError as error:
    print(error)
"""


def run(out: Path, pipelines: int, kind: str = "RLIMIT_NOFILE", limit: int = 64) -> str:
    command = [sys.executable, "-c", SCRIPT, str(out), str(pipelines), kind, str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_two_pipelines_run_with_64_open_files(tmp_path: Path) -> None:
    assert run(tmp_path, 2) == "done\n"


def test_more_than_fit_are_refused_with_what_to_type(tmp_path: Path) -> None:
    assert "64 open files are too few for this run: ulimit -n 1024" in run(tmp_path, 8)


def test_too_little_memory_is_said_in_words(tmp_path: Path) -> None:
    told = run(tmp_path, 1, "RLIMIT_AS", 400 << 20)
    assert told.startswith("the engine did not start:")
    assert "the engine gets no more memory: ulimit -v unlimited" in told
    assert "Traceback" not in told
