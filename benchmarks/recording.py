"""A run of ten million spans: what recording it takes, and reading it back.

The run is a closed load through a serial chain of no-ops, as fast as it goes. Its spans are
then grouped by stage, with count, p50, p90, p95 and p99 of service and of queueing, by
mlbench, DuckDB and polars, each in a fresh process (`benchmarks.grouped`), in turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.memory import MB, add_peaks
from benchmarks.row import Row, quantity, ratio
from benchmarks.runs import require, single
from mlbench import Benchmark, Run, start

__all__ = ["rows"]

SPANS_WANTED = 10_000_000
DEPTH = 9
REPEATS = 3
LOOK_S = 0.05
PEERS = ("mlbench", "duckdb", "polars")


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    require("duckdb", "polars")
    with tempfile.TemporaryDirectory() as folder:
        recorded = _recorded(Path(folder))
        yield from _written(recorded)
        yield from _grouped(recorded.run)


@dataclass(frozen=True)
class Recorded:
    """The run, and the peak memory of its engine, in bytes."""

    run: Run
    engine_bytes: int

    @property
    def pipeline(self) -> dict[str, Any]:  # Any: JSON
        """What the manifest says of the pipeline."""
        found: dict[str, Any] = self.run.manifest["pipelines"]["only"]
        return found

    @property
    def seconds(self) -> float:
        """Length of the load."""
        load = self.pipeline["load"]
        return float(load["end_ns"] - load["begin_ns"]) / 1e9


def _bench() -> Benchmark:
    """A chain of no-ops; the item of a query is a span, too."""
    stages: dict[str, dict[str, str]] = {f"s{i}": {"uses": "synthetic.noop"} for i in range(DEPTH)}
    for index in range(DEPTH - 1):
        stages[f"s{index}"]["to"] = f"s{index + 1}"
    stop = {"queries": SPANS_WANTED // (DEPTH + 1)}
    return single(stages, stop=stop, warmup={"queries": 0})


def _recorded(out: Path) -> Recorded:
    run = start(_bench(), out)
    found: dict[str, int] = {}
    while run.is_going:
        if pid := run.manifest.get("engine", {}).get("pid"):
            add_peaks(pid, found)
        time.sleep(LOOK_S)
    if run.wait().status != "done":
        raise RuntimeError(f"{run.path} is {run.status}: {run.manifest['reasons']}")
    return Recorded(run, found["mlbench:engine"])


def _written(recorded: Recorded) -> Iterator[Row]:
    run, pipeline, seconds = recorded.run, recorded.pipeline, recorded.seconds
    recorder = run.manifest["harness"]["recorder"]
    stored = run.record().spanned("only").num_rows
    size_bytes = sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file())
    what = f"a run of {SPANS_WANTED:,} spans"
    for name, peak_bytes in (
        ("worker", pipeline["peak_memory_bytes"]),
        ("engine", recorded.engine_bytes),
    ):
        bar, met = "≤ 400 MB, without torch", peak_bytes <= 400 * MB
        measured = quantity([peak_bytes], "MB", 1 / MB)
        yield Row("recording", f"{what}: peak memory of the {name}", measured, bar=bar, met=met)
    yield Row(
        "recording",
        f"{what}: spans read back",
        f"{stored:,}",
        bar="all",
        met=stored == SPANS_WANTED,
    )
    for name, values, unit in (
        ("spans a second", [stored / seconds], "spans/s"),
        ("on disk", [size_bytes / MB], f"MB ({size_bytes / stored:.0f} bytes a span)"),
        ("CPU of the recorder", [100 * recorder["cpu_ns"] / 1e9 / seconds], "% of a core"),
        ("peak memory of the recorder", [recorder["peak_memory_bytes"] / MB], "MB"),
        ("the worker waited for the recorder", [pipeline["stalled_ns"] / 1e6], "ms"),
    ):
        yield Row("recording", f"{what}: {name}", quantity(values, unit))


def _grouped(run: Run) -> Iterator[Row]:
    """Time and memory of quantiles by stage; a first round warms the page cache."""
    found: dict[str, list[dict[str, Any]]] = {peer: [] for peer in PEERS}  # Any: JSON
    for number in range(REPEATS + 1):
        for peer in PEERS:
            told = _child(peer, run.path)
            if number:
                found[peer].append(told)
    _see_that_they_agree([each[0]["quantiles"] for each in found.values()])
    ours = found["mlbench"]
    for peer in PEERS[1:]:
        yield _compared("seconds", "s", "≤ 1 s", 1.0, 1.0, ours, found[peer], peer)
        yield _compared("peak_bytes", "MB", "≤ 500 MB", 500 * MB, MB, ours, found[peer], peer)


def _child(peer: str, run: Path) -> dict[str, Any]:  # Any: JSON
    command = [sys.executable, "-m", "benchmarks.grouped", peer, str(run)]
    told = subprocess.run(command, check=True, capture_output=True).stdout
    found: dict[str, Any] = json.loads(told)
    return found


def _see_that_they_agree(answers: Sequence[object]) -> None:
    if any(answer != answers[0] for answer in answers):
        raise RuntimeError(f"{PEERS} do not agree on the quantiles: {answers}")


def _compared(
    key: str,
    unit: str,
    bar: str,
    limit: float,
    scale: float,
    ours: Sequence[dict[str, Any]],  # Any: JSON
    theirs: Sequence[dict[str, Any]],
    peer: str,
) -> Row:
    measured, reference = [x[key] for x in ours], [x[key] for x in theirs]
    what = "time" if key == "seconds" else "peak memory"
    return Row(
        "recording",
        f"quantiles by stage over {SPANS_WANTED:,} spans: {what}",
        quantity(measured, unit, 1 / scale),
        quantity(reference, f"{unit} ({peer})", 1 / scale),
        ratio(measured, reference)[1],
        bar,
        median(measured) <= limit,
    )
