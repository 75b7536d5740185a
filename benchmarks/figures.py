"""What a figure takes: drawing and saving, warm, beside plain Altair with the same data.

Plain Altair draws the same chart and saves it with its own method: one layout of any width,
bytes that differ each time. What stands on top of it is the exact width (a second layout), the
normalised file, preflight and the sidecar.

The timeline is that of an hour at 20 Hz over eight GPUs.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import altair as alt
import numpy as np

from benchmarks.row import Row, interleaved, quantity, ratio
from mlbench import figures
from mlbench.records import NULL, SAMPLES
from mlbench.run import Run, start
from mlbench.spec import Benchmark
from mlbench.store.writer import StreamWriter

__all__ = ["rows"]

REPEATS = 7
GPUS, HERTZ, HOUR_S = 8, 20, 3600
POWER = {"name": "gpu_power_instant", "unit": "W", "source": "made", "kind": "level"}
MEMORY = {"name": "gpu_memory_used", "unit": "bytes", "source": "made", "kind": "level"}


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        run = _run(Path(folder))
        drawn: dict[str, Callable[[], Any]] = {
            "graph": lambda: figures.graph(run, venue="acmart"),
            "latency": lambda: figures.latency(run, venue="acmart"),
            "breakdown": lambda: figures.breakdown(run, venue="acmart"),
            "spans": lambda: figures.spans(run, venue="acmart"),
            "timeline": lambda: figures.timeline(run, venue="acmart"),
        }
        for name, draw in drawn.items():
            yield _figure(name, draw, Path(folder))
        yield from _hour(run, Path(folder))


def _run(folder: Path) -> Run:
    """Ten seconds of two pipelines."""
    spin = {"uses": "synthetic.spin", "with": {"seconds": 0.001}}
    stages = {"prepare": {**spin, "to": "infer"}, "infer": spin}
    common = {"data": {"uses": "synthetic.items"}, "stages": stages}
    search, train = {"poisson": {"rate": 100}}, {"closed": {"concurrency": 1}}
    pipelines = {"search": {**common, "load": search}, "train": {**common, "load": train}}
    data = {"name": "figures", "stop": {"seconds": 10}, "pipelines": pipelines}
    return start(Benchmark.model_validate(data), folder / "runs").wait(60)


def _figure(name: str, draw: Callable[[], Any], folder: Path) -> Row:
    path = folder / f"{name}.pdf"
    figures.save(draw(), path)  # what is loaded and compiled once is not timed

    def ours() -> float:
        return _seconds(lambda: figures.save(draw(), path))

    def plain() -> float:
        return _seconds(lambda: alt.TopLevelMixin.save(draw(), path.with_suffix(".plain.pdf")))

    measured, reference = interleaved(REPEATS, ours, plain)
    return Row(
        "figures",
        f"{name}: draw from the run and save as PDF",
        quantity(measured, "s"),
        quantity(reference, "s (plain Altair)"),
        ratio(measured, reference)[1],
    )


def _seconds(action: Callable[[], object]) -> float:
    begin_s = time.perf_counter()
    action()
    return time.perf_counter() - begin_s


def _hour(run: Run, folder: Path) -> Iterator[Row]:
    long = _with_samples(run, folder / "hour")
    path = folder / "hour.pdf"
    figures.save(figures.timeline(run, venue="acmart"), path)
    taken, sizes = [], []
    for _ in range(REPEATS):
        taken.append(_seconds(lambda: figures.save(figures.timeline(long, venue="acmart"), path)))
        sizes.append(float(path.stat().st_size))
    count = 2 * GPUS * HERTZ * HOUR_S
    what = f"timeline of an hour, {GPUS} GPUs at {HERTZ} Hz ({count:,} samples)"
    yield Row("figures", what, quantity(taken, "s"), bar="≤ 2 s", met=median(taken) <= 2)
    yield Row(
        "figures",
        "the same, size of the PDF",
        quantity(sizes, "kB", 1e-3),
        bar="≤ 1,000 kB",
        met=median(sizes) <= 1e6,
    )


def _with_samples(run: Run, path: Path) -> Run:
    """A copy of the run's manifest and spans, with an hour of samples."""
    import shutil

    shutil.copytree(run.path, path)
    manifest = json.loads((path / "run.json").read_text())
    begin = manifest["phases"][1]["start_ns"]
    end = begin + HOUR_S * 10**9
    manifest["phases"][-1]["end_ns"] = end
    manifest["metrics"] = [POWER, MEMORY]
    gpu = {"kind": "gpu", "source": "made"}
    manifest["devices"] = [{"name": f"gpu{number}", **gpu} for number in range(GPUS)]
    (path / "run.json").write_text(json.dumps(manifest))
    times = np.arange(begin, end, 10**9 // HERTZ)
    none = np.full(times.size, NULL)
    writer = StreamWriter(path / "samples.arrow", SAMPLES)
    for metric, scale in enumerate((300.0, 6e9)):
        for number in range(GPUS):
            value = scale * (1 + 0.2 * np.sin(np.arange(times.size) / 999 + number))
            same = [np.full(times.size, code) for code in (metric, number)]
            writer.write(np.stack([times, times, *same, none, none, value.view(np.int64)], axis=1))
    writer.close()
    return Run(path)
