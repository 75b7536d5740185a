"""The command line in this process, and small runs that the real engine made once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlbench.cli import commands
from mlbench.run import Run, start
from mlbench.spec import Benchmark

Cli = Callable[..., Result]
Started = Callable[..., "subprocess.Popen[str]"]
Finished = Callable[..., tuple[int, str, str]]

# A shell that starts the tests in the background has SIGINT ignored, which children inherit.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from mlbench.cli import main
main()
"""

NOOP = {"data": {"uses": "synthetic.items"}, "stages": {"step": {"uses": "synthetic.noop"}}}


def failing_once_in(every: int) -> dict[str, object]:
    stages = {"step": {"uses": "synthetic.fail", "with": {"every": every}}}
    return {"data": {"uses": "synthetic.items"}, "stages": stages}


@pytest.fixture
def cli() -> Cli:
    """Run one command in this process: ``cli("show", run, columns=80)``."""

    def invoke(*arguments: object, columns: int = 100) -> Result:
        environment = {"COLUMNS": str(columns), "FORCE_COLOR": None, "NO_COLOR": None}
        arguments = tuple(str(argument) for argument in arguments)
        return CliRunner().invoke(commands, list(arguments), env=environment, prog_name="mlbench")

    return invoke


@pytest.fixture
def columns() -> int:
    """How wide the page of a command is that runs as a process."""
    return 100


@pytest.fixture
def started(tmp_path: Path, columns: int) -> Iterator[Started]:
    """Start a command in a directory of its own; whatever is left of it ends with the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": str(columns)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def finished(started: Started) -> Finished:
    """Run a command to its end: exit status, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        process = started(*arguments)
        output, errors = process.communicate(timeout=110)
        return process.returncode, output, errors

    return run


@pytest.fixture
def spec(tmp_path: Path) -> Callable[[str], Path]:
    """Write a YAML file and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "spec.yml"
        path.write_text(text)
        return path

    return write


def _ended(tmp_path_factory: pytest.TempPathFactory, bench: Benchmark) -> Run:
    return start(bench, tmp_path_factory.mktemp("runs")).wait(30)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two pipelines, one with a name that is markup, the other with failed queries."""
    pipelines = {"[red]x": NOOP, "flaky": failing_once_in(4)}
    bench = Benchmark(
        name="two [bold]y",
        stop={"queries": 40},
        limits={"harness_share": 1, "lateness_p99_ms": 1000},  # of a run so short, chance decides
        pipelines=pipelines,
    )
    return _ended(tmp_path_factory, bench)


@pytest.fixture(scope="session")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in which one pipeline's worker dies."""
    stages = {"step": {"uses": "synthetic.crash", "with": {"at": 3}}}
    dies = {"data": {"uses": "synthetic.items"}, "stages": stages}
    bench = Benchmark(name="crash", stop={"queries": 40}, pipelines={"dies": dies, "lives": NOOP})
    return _ended(tmp_path_factory, bench)


@pytest.fixture
def going(tmp_path: Path) -> Iterator[Run]:
    """A run that is under load until the test ends."""
    run = start(Benchmark(name="long", stop={"seconds": 60}, pipelines={"a": NOOP}), tmp_path)
    try:
        while run.status != "load":
            assert run.status != "aborted", run.engine_log()
        yield run
    finally:
        run.kill()
        run.wait(30)
