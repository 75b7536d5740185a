"""A limit of 64 open files: a small run works, a large one says what to type."""

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
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    print(mlbench.start(bench, out=sys.argv[1]).wait(60).status)
except mlbench.MlbenchError as error:
    print(error)
"""


def run(out: Path, pipelines: int) -> str:
    command = [sys.executable, "-c", SCRIPT, str(out), str(pipelines)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_two_pipelines_run_with_64_open_files(tmp_path: Path) -> None:
    assert run(tmp_path, 2) == "done\n"


def test_more_than_fit_are_refused_with_what_to_type(tmp_path: Path) -> None:
    assert "64 open files are too few for this run: ulimit -n 1024" in run(tmp_path, 8)
