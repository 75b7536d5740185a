"""What starting takes: `mlbench run` of a pipeline that does nothing, help, import, memory.

All beside ``python -c pass``, in turn, with the bytecode of the package on the disk as after
an installation: the first of each is not counted. The instant of the first query is its
``sent``, on the clock that the benchmark reads before it starts the process. Memory is the
peak resident set of each process (`benchmarks.memory`), of runs of their own, which are not
timed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.memory import MB, add_peaks
from benchmarks.row import Row, interleaved, quantity, ratio
from benchmarks.runs import single
from mlbench import open_run

__all__ = ["rows"]

REPEATS = 10
MEMORY_REPEATS = 3
LOOK_S = 0.002
MLBENCH = str(Path(sys.executable).with_name("mlbench"))
"""The command as it is installed beside this interpreter."""

NOTHING = (sys.executable, "-c", "pass")
PROCESSES = {
    "mlbench": "command line",
    "mlbench:engine": "engine",
    "mlbench:driver": "driver",
    "mlbench:only": "worker",
    "mlbench:recorde": "recorder",
}
"""The processes of a run by the name that ``ps`` shows, 15 bytes of it."""


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _run(Path(folder))
        yield _seconds("`mlbench --help`", (MLBENCH, "--help"), 0.3)
        yield _seconds("`import mlbench`", (sys.executable, "-c", "import mlbench"), 0.1)
        yield from _memory(Path(folder))


def _spec(folder: Path, **pipeline: Any) -> Path:  # Any: a spec's YAML
    """A pipeline of one no-op, in a file."""
    path = folder / "noop.yml"
    path.write_text(single({"step": {"uses": "synthetic.noop"}}, **pipeline).to_yaml())
    return path


def _environment() -> dict[str, str]:
    """Of a process that may keep what it has compiled."""
    return {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def _finish(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, env=_environment())


def _wall_s(command: Sequence[str]) -> float:
    begin_s = time.perf_counter()
    _finish(command)
    return time.perf_counter() - begin_s


def _seconds(what: str, command: Sequence[str], bar_s: float) -> Row:
    _finish(command)
    measured, reference = interleaved(REPEATS, lambda: _wall_s(command), lambda: _wall_s(NOTHING))
    return _timed(what, measured, reference, bar_s)


def _timed(what: str, measured: Sequence[float], reference: Sequence[float], bar_s: float) -> Row:
    return Row(
        "startup",
        what,
        quantity(measured, "s"),
        quantity(reference, "s (python -c pass)"),
        ratio(measured, reference)[1],
        f"≤ {bar_s} s",
        median(measured) <= bar_s,
    )


def _run(folder: Path) -> Iterator[Row]:
    """A run of ten queries: until the first is sent, and until the command has ended."""
    spec = _spec(folder, stop={"queries": 10})
    first: list[float] = []

    def run() -> float:
        out = folder / f"timed{len(first)}"
        begin_ns = time.monotonic_ns()
        _finish(_run_command(spec, out))
        whole_s = (time.monotonic_ns() - begin_ns) / 1e9
        first.append((_first_sent_ns(out) - begin_ns) / 1e9)
        return whole_s

    _finish(_run_command(spec, folder / "compiled"))
    whole, reference = interleaved(REPEATS, run, lambda: _wall_s(NOTHING))
    yield _timed("`mlbench run` of a no-op: to the first query", first, reference, 0.4)
    yield _timed("`mlbench run` of a no-op, 10 queries: the whole", whole, reference, 0.8)


def _run_command(spec: Path, out: Path) -> Sequence[str]:
    return (MLBENCH, "run", str(spec), "--out", str(out))


def _first_sent_ns(out: Path) -> int:
    """When the first query of the load was sent."""
    (path,) = out.iterdir()
    return int(open_run(path).queries()["sent"].min())


def _memory(folder: Path) -> Iterator[Row]:
    """Peak memory of every process of an open run of a second, which has a driver."""
    spec = _spec(folder, load={"poisson": {"rate": 1000}}, stop={"seconds": 1})
    runs: list[dict[str, int]] = []
    nothing: list[float] = []
    for number in range(MEMORY_REPEATS):
        runs.append(_peaks(_run_command(spec, folder / f"memory{number}")))
        nothing.append(_peak_of_nothing())
    for process, name in PROCESSES.items():
        measured = [float(found[process]) for found in runs]
        yield Row(
            "startup",
            f"peak memory of the {name}",
            quantity(measured, "MB", 1 / MB),
            quantity(nothing, "MB (python -c pass)", 1 / MB),
            ratio(measured, nothing)[1],
            "≤ 60 MB, without torch",
            median(measured) <= 60 * MB,
        )


def _peaks(command: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            add_peaks(process.pid, found)
            time.sleep(LOOK_S)
    return found


def _peak_of_nothing() -> float:
    code = "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    return float(said) * 1024
