"""What a sweep costs: a point beside bare papermill, and ten thousand points of one plan.

Bare papermill executes the same notebook with the same parameters, one after the other in one
process that has it imported: no state, no folder, no process for each point. Both are timed
from the start of their process to its end, and divided by the number of points; processor time
beside, because on a machine that others use the wall clock says more of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.row import Row, interleaved, quantity, ratio
from benchmarks.runs import single
from mlbench import Benchmark
from mlbench.sweep.conduct import execute
from mlbench.sweep.layout import read_plan
from mlbench.sweep.plan import Plan
from mlbench.sweep.planning import begin
from mlbench.sweep.state import DONE, PointState, states, unfinished, write_state
from mlbench.sweep.table import sweep_results

__all__ = ["rows"]

POINTS, REPEATS = 10, 4
MANY = 10_000

ANYHOW = {"foreign_share": 1, "steal_share": 1}
"""One looks at others for half a second a block where this is not so."""

BARE = """\
import sys, papermill
for x in range(int(sys.argv[3])):
    papermill.execute_notebook(
        sys.argv[1], f"{sys.argv[2]}/{x}.ipynb", {"x": x}, progress_bar=False
    )
"""


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["MLBENCH_LOCKS"] = str(folder / "locks")
        notebook = _notebook(folder / "tiny.ipynb")
        sweep_results(begin(_plan(notebook, 1), folder / "runs"))  # pandas is loaded once
        yield from _overhead(notebook, folder)
        yield from _many(notebook, folder)
        yield _many_specs(folder)


def _notebook(path: Path) -> Path:
    cells = [
        {"source": "x: int = 1", "metadata": {"tags": ["parameters"]}},
        {"source": "print(x * x)", "metadata": {}},
    ]
    empty = {"cell_type": "code", "execution_count": None, "outputs": []}
    made = [{**empty, **cell, "id": f"cell-{index}"} for index, cell in enumerate(cells)]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    document = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4}
    path.write_text(json.dumps({**document, "nbformat_minor": 5}))
    return path


def _plan(notebook: Path, count: int) -> Plan:
    grid = {"x": list(range(count))}
    return Plan.model_validate(
        {"notebook": str(notebook), "parameters": {"grid": grid}, "contamination": ANYHOW}
    )


def _overhead(notebook: Path, folder: Path) -> Iterator[Row]:
    plan, out = _plan(notebook, POINTS), folder / "bare"
    out.mkdir()

    taken: dict[str, list[float]] = {"ours": [], "bare": []}

    def ours() -> float:
        directory = begin(plan, folder / "runs")
        return _timed(lambda: _executed(directory), taken["ours"])

    def bare() -> float:
        command = [sys.executable, "-W", "ignore", "-c", BARE, str(notebook), str(out)]
        return _timed(lambda: _quietly([*command, str(POINTS)]), taken["bare"])

    measured, reference = interleaved(REPEATS, ours, bare)
    what = f"a point of {POINTS}, a notebook that prints a number"
    yield _beside(f"{what}: time", measured, reference, bar=1.1)
    yield _beside(f"{what}: processor time", taken["ours"], taken["bare"], bar=1.1)


def _timed(action: Callable[[], object], processor: list[float]) -> float:
    """Seconds a point; those of processors, of this process and all others, are noted."""
    before_s = _processor_s()
    taken_s = _seconds(action)
    processor.append((_processor_s() - before_s) / POINTS)
    return taken_s / POINTS


def _processor_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _beside(what: str, measured: list[float], reference: list[float], bar: float) -> Row:
    estimate, text = ratio(measured, reference)
    ours, theirs = quantity(measured, "s"), quantity(reference, "s (bare papermill)")
    return Row("sweep", what, ours, theirs, text, f"≤ {bar}", estimate <= bar)


def _executed(directory: Path) -> None:
    counts = execute(directory).counts()
    assert counts[DONE] == POINTS, counts


def _quietly(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _many(notebook: Path, folder: Path) -> Iterator[Row]:
    plan, made = _plan(notebook, MANY), []
    planning = [_seconds(lambda: made.append(begin(plan, folder / "many"))) for _ in range(3)]
    yield _many_row("plan", "of a notebook: to check, number and write", planning)
    directory = made[0]
    points = read_plan(directory).points
    for point in points[: MANY // 2]:
        write_state(directory, point.id, PointState(DONE, 1, provenance={"host": "a" * 400}))
    resuming = [_seconds(lambda: _left(directory)) for _ in range(3)]
    yield _many_row("resume", "half of them done: to read and find what is left", resuming)


def _many_specs(folder: Path) -> Row:
    """Each point is a study of its own, whose spec is whole and checked before any starts."""
    one = single({"step": {"uses": "synthetic.spin", "with": {"seconds": 0.01}}}).plain()
    pipeline = one["pipelines"]["only"]
    spec = Benchmark.model_validate({**one, "pipelines": {"a": pipeline, "b": pipeline}})
    (folder / "spec.yml").write_text(spec.to_yaml())
    path = "pipelines.a.stages.step.with.seconds"
    grid = {path: [round(0.01 + index * 1e-6, 6) for index in range(MANY)]}
    plan = Plan.model_validate({"spec": str(folder / "spec.yml"), "parameters": {"grid": grid}})
    planning = [_seconds(lambda: begin(plan, folder / "specs")) for _ in range(3)]
    return _many_row("plan", "of a spec: to check, number and write", planning)


def _left(directory: Path) -> list[str]:
    manifest = read_plan(directory)
    return unfinished(manifest, states(directory, [point.id for point in manifest.points]))


def _many_row(what: str, told: str, taken: list[float]) -> Row:
    text = f"{what} {MANY:,} points ({told})"
    return Row("sweep", text, quantity(taken, "s"), bar="≤ 2 s", met=median(taken) <= 2)


def _seconds(action: Callable[[], Any]) -> float:
    begin_s = time.perf_counter()
    action()
    return time.perf_counter() - begin_s
