"""Runs that the tests of the widgets look at: short, without any model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mlbench.records import NULL, SAMPLES
from mlbench.run import Run, start
from mlbench.spec import Benchmark
from mlbench.store.writer import StreamWriter

__all__ = ["BENCH", "bench", "with_samples"]

SPIN = {"uses": "synthetic.spin", "with": {"seconds": 0.004}, "to": "rest"}
REST = {"uses": "synthetic.sleep", "with": {"seconds": 0.01}}
COMMON = {"data": {"uses": "synthetic.items"}, "stages": {"spin": SPIN, "rest": REST}}


def data(seconds: float, name: str = "two <b>pipelines") -> dict[str, Any]:
    """Two pipelines, one of them with a name that markup would swallow."""
    pipelines = {
        "search": {**COMMON, "load": {"poisson": {"rate": 20}}},
        "train <i>": {**COMMON, "load": {"closed": {"concurrency": 1}}},
    }
    limits = {"lateness_p99_ms": 2000}  # other tests keep the machine busy
    return {"name": name, "stop": {"seconds": seconds}, "limits": limits, "pipelines": pipelines}


BENCH = (
    "import json\nimport mlbench as mb\n"
    "def bench(seconds, name):\n"
    f"    data = json.loads({json.dumps(data(1))!r})\n"
    "    data |= {'name': name, 'stop': {'seconds': seconds}}\n"
    "    return mb.Benchmark.model_validate(data)\n"
)
"""A cell that has the same benchmark in a notebook."""


def bench(seconds: float) -> Benchmark:
    """That benchmark."""
    return Benchmark.model_validate(data(seconds))


def finished(folder: Path, seconds: float = 1.5) -> Run:
    """A run of it that has ended."""
    return start(bench(seconds), folder).wait(60)


def with_samples(run: Run, path: Path, values: Any, hertz: float = 20.0, batches: int = 1) -> Run:
    """A copy of a run whose samples are those of one made GPU metric, from the barrier on."""
    import shutil

    shutil.copytree(run.path, path)
    manifest = json.loads((path / "run.json").read_text())
    metric = {"name": "gpu_power_instant", "unit": "W", "kind": "level", "source": "stand-in"}
    manifest["metrics"] = [{**metric, "rate_hz": hertz}]
    manifest["devices"] = [{"name": "gpu0", "kind": "gpu", "source": "stand-in"}]
    times = manifest["barrier_ns"] + (np.arange(len(values)) * 1e9 / hertz).astype(np.int64)
    manifest["phases"][-1]["end_ns"] = int(times[-1])
    (path / "run.json").write_text(json.dumps(manifest))
    zero, none = np.zeros(times.size, np.int64), np.full(times.size, NULL)
    bits = np.asarray(values, np.float64).view(np.int64)
    writer = StreamWriter(path / "samples.arrow", SAMPLES)
    rows = np.stack([times, times, zero, zero, none, none, bits], axis=1)
    for part in np.array_split(rows, batches):
        writer.write(part)
    writer.close()
    return Run(path)
