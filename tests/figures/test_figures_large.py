"""Large data is aggregated before it is drawn."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from mlbench import figures
from mlbench.records import NULL, SAMPLES
from mlbench.run import Run
from mlbench.store.writer import StreamWriter

GPUS = 8


def with_samples(run: Run, path: Path, seconds: int, rate: int) -> Run:
    """A copy of a run with the power of eight GPUs, as long as that."""
    shutil.copytree(run.path, path)
    manifest = json.loads((path / "run.json").read_text())
    begin = manifest["phases"][1]["start_ns"]
    end = begin + seconds * 10**9
    manifest["phases"][-1]["end_ns"] = end
    power = {"name": "gpu_power_instant", "unit": "W", "source": "NVML", "kind": "level"}
    manifest["metrics"] = [power]
    manifest["devices"] = [
        {"name": f"gpu{n}", "kind": "gpu", "source": "NVML"} for n in range(GPUS)
    ]
    (path / "run.json").write_text(json.dumps(manifest))
    times = np.arange(begin, end, 10**9 // rate)
    writer = StreamWriter(path / "samples.arrow", SAMPLES)
    for number in range(GPUS):
        value = 300 + 50 * np.sin(np.arange(times.size) / 99 + number)
        none = np.full(times.size, NULL)
        columns = (times, times, 0 * times, 0 * times + number, none, none, value.view(np.int64))
        writer.write(np.stack(columns, axis=1))
    writer.close()
    return Run(path)


def test_ten_minutes_of_eight_gpus_are_a_small_file(run: Run, save: Any, tmp_path: Path) -> None:
    chart = figures.timeline(with_samples(run, tmp_path / "run", 600, 20))
    spec = chart.to_dict()
    assert max(len(rows) for rows in spec["datasets"].values()) <= 1500
    assert save(chart).stat().st_size < 200_000


def test_the_curve_of_many_queries_has_few_points(group: Any) -> None:
    spec = figures.latency(group).to_dict()
    assert max(len(rows) for rows in spec["datasets"].values()) <= 4 * 300
