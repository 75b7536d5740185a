"""What a timeline takes, in a real JupyterLab: from a sample on disk to the pixel, and a frame.

The run is made: eight GPUs with six metrics each at 20 Hz. Writer and page are on one machine
and compare its wall clock; a frame is drawn when its script has ended, before the browser
puts it on the screen. Where there is no Chromium only the sizes of the bundles are given.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.row import Row, quantity
from mlbench.records import NULL, SAMPLES
from mlbench.run import Run, start
from mlbench.spec import Benchmark
from mlbench.store.process import process_identity
from mlbench.store.writer import StreamWriter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/support"))

__all__ = ["rows"]

GPUS, HERTZ, MINUTES, LIVE_S = 8, 20, 30, 15
STAGES = 200
METRICS = {
    "gpu_sm_activity": "%",
    "gpu_busy": "%",
    "gpu_memory_used": "bytes",
    "gpu_power_instant": "W",
    "gpu_dram_activity": "%",
    "gpu_temperature": "°C",
}
STATIC = Path(__file__).parents[1] / "mlbench/widgets/static"
CELL = "import mlbench as mb\nmb.Timeline({path!r}, lanes={lanes!r}, picture=False)"
BUILDER = """
import mlbench as mb
noop = {{"uses": "synthetic.noop"}}
stages = {{f"s{{n}}": noop | {{"to": f"s{{n + 1}}"}} for n in range({stages} - 1)}}
stages |= {{"s{last}": noop}}
pipeline = {{"data": {{"uses": "synthetic.items"}}, "stages": stages}}
places = {{f"s{{n}}": {{"x": 240 * (n % 20), "y": 90 * (n // 20)}} for n in range({stages})}}
mb.Builder(mb.Benchmark(name="many", pipelines={{"many": pipeline}}), places={{"many": places}})
"""

WATCH = """timeline => {
    window.drawn = [];
    new MutationObserver(() => {
        const now = (performance.timeOrigin + performance.now()) / 1e3;
        window.drawn.push([Number(timeline.dataset.edge), now]);
    }).observe(timeline, { attributes: true, attributeFilter: ["data-edge"] });
}"""
FRAMES = """() => {
    window.frames_ms = [];
    let last = performance.now();
    const next = (now) => {
        window.frames_ms.push(now - last);
        last = now;
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
}"""


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    yield from _sizes()
    from lab import chromium

    if chromium() is not None:
        yield from _in_the_browser()


def _sizes() -> Iterator[Row]:
    for path in sorted(STATIC.glob("*.js")):
        size = len(gzip.compress(path.read_bytes(), 9))
        yield Row("widgets", f"bundle {path.name}, gzip", f"{size / 1024:.1f} KiB")


def _in_the_browser() -> Iterator[Row]:
    from lab import Lab, running_browser
    from lab_server import running_server

    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(Path(folder) / "lab") as server,
        running_browser() as browser,
    ):
        run = _run(Path(folder))
        lab = Lab(server, browser)
        yield from _latency(lab, run, Path(folder) / "live")
        yield from _frames(lab, run, Path(folder) / "long")
        yield from _dragging(lab)
        lab.discard()


def _run(folder: Path) -> Run:
    stages = {"spin": {"uses": "synthetic.noop"}}
    pipeline = {"data": {"uses": "synthetic.items"}, "stages": stages, "stop": {"queries": 9}}
    bench = Benchmark.model_validate({"name": "widgets", "pipelines": {"one": pipeline}})
    return start(bench, folder / "runs").wait(60)


def _made(run: Run, path: Path, changes: dict[str, Any]) -> int:
    """A copy of the run without its samples, whose metrics are the made ones; its zero, ns."""
    shutil.copytree(run.path, path)
    manifest = json.loads((path / "run.json").read_text())
    described = [
        {"name": name, "unit": unit, "kind": "level", "source": "made", "rate_hz": HERTZ}
        for name, unit in METRICS.items()
    ]
    devices = [{"name": f"gpu{n}", "kind": "gpu", "source": "made"} for n in range(GPUS)]
    manifest |= {"metrics": described, "devices": devices, **changes}
    (path / "run.json").write_text(json.dumps(manifest))
    return int(manifest["barrier_ns"])


def _write(writer: StreamWriter, times: np.ndarray) -> None:
    """One value of every metric of every GPU at each time, as one batch."""
    pairs = np.array([(m, g) for m in range(len(METRICS)) for g in range(GPUS)], np.int64)
    when = np.repeat(times, len(pairs))
    metric, device = np.tile(pairs, (times.size, 1)).T
    value = 50 + 40 * np.sin(when / 3e9 + metric + device / 3)
    none = np.full(when.size, NULL)
    writer.write(np.stack([when, when, metric, device, none, none, value.view(np.int64)], axis=1))


def _latency(lab: Any, run: Run, path: Path) -> Iterator[Row]:
    """How long after a sample is on disk the page has drawn it."""
    zero_ns = time.monotonic_ns()
    phases = [{"name": "load", "start_ns": zero_ns, "end_ns": None}]
    changes = {
        "status": "load",
        "engine": process_identity(os.getpid()),
        "barrier_ns": zero_ns,
        "phases": phases,
    }
    _made(run, path, changes)
    shutil.rmtree(path / "pipelines")
    writer = StreamWriter(path / "samples.arrow", SAMPLES)
    _write(writer, np.array([time.monotonic_ns()]))
    notebook = lab.open(CELL.format(path=str(path), lanes=list(METRICS)))
    notebook.run(0)
    timeline = notebook.output(0).locator(".mlt")
    timeline.locator(".mlt-lane canvas").first.wait_for()
    timeline.evaluate(WATCH)
    written = []
    for _ in range(LIVE_S * HERTZ):
        now_ns = time.monotonic_ns()
        _write(writer, np.array([now_ns]))
        written.append(((now_ns - zero_ns) / 1e9, time.time()))
        lab.page.wait_for_timeout(1e3 / HERTZ)
    drawn = np.array(lab.page.evaluate("() => window.drawn"))
    late = []
    for edge, at in written[HERTZ:]:
        after = np.flatnonzero(drawn[:, 0] >= edge - 1e-3)
        if after.size:
            late.append(float(drawn[after[0], 1]) - at)
    what = f"from sample written to frame drawn, {GPUS * len(METRICS)} series at {HERTZ} Hz"
    for share in (50, 95):
        yield Row("widgets", f"{what}: p{share}", quantity([np.percentile(late, share)], "ms", 1e3))
    notebook.close()


def _frames(lab: Any, run: Run, path: Path) -> Iterator[Row]:
    """The time between frames while keys pan and zoom half an hour."""
    end_ns = run.manifest["barrier_ns"] + MINUTES * 60 * 10**9
    phases = [{"name": "load", "start_ns": run.manifest["barrier_ns"], "end_ns": end_ns}]
    zero_ns = _made(run, path, {"phases": phases})
    writer = StreamWriter(path / "samples.arrow", SAMPLES)
    for minute in range(MINUTES):
        begin_ns = zero_ns + minute * 60 * 10**9
        _write(writer, np.arange(begin_ns, begin_ns + 60 * 10**9, 10**9 // HERTZ))
    writer.close()
    notebook = lab.open(CELL.format(path=str(path), lanes=list(METRICS)))
    notebook.run(0, seconds=60)
    timeline = notebook.output(0).locator(".mlt")
    timeline.locator(".mlt-lane canvas").first.wait_for()
    lab.page.wait_for_timeout(5000)
    timeline.screenshot(path=lab.artefact("timeline-eight-gpus"))
    timeline.focus()
    lab.page.evaluate(FRAMES)
    for key in ["+", "ArrowLeft", "ArrowLeft", "ArrowRight", "-"] * 12:
        lab.page.keyboard.press(key)
    taken = lab.page.evaluate("() => window.frames_ms.slice(2)")
    what = f"frame while keys pan and zoom {GPUS} GPUs × {len(METRICS)} metrics × {MINUTES} min"
    for share in (50, 95):
        yield Row("widgets", f"{what}: p{share}", quantity([np.percentile(taken, share)], "ms"))
    notebook.close()


def _dragging(lab: Any) -> Iterator[Row]:
    """The time between frames while a stage of a builder with many is dragged."""
    notebook = lab.open(BUILDER.format(stages=STAGES, last=STAGES - 1))
    notebook.run(0, seconds=60)
    builder = notebook.output(0).locator(".mlb")
    stage = builder.get_by_label("stage s0 of many", exact=False)
    stage.wait_for()
    builder.get_by_label("Fit View").click()
    lab.page.wait_for_timeout(1000)
    builder.screenshot(path=lab.artefact("builder-many-stages"))
    box = stage.bounding_box()
    mouse = lab.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    lab.page.evaluate(FRAMES)
    for step in range(120):
        mouse.move(box["x"] + step, box["y"] + step % 40)
    mouse.up()
    taken = lab.page.evaluate("() => window.frames_ms.slice(2)")
    for share in (50, 95):
        what = f"frame while one of {STAGES} stages is dragged: p{share}"
        yield Row("widgets", what, quantity([np.percentile(taken, share)], "ms"))
    notebook.close()
