"""What sampling costs, how punctual it is, and what it does to a workload beside it.

The GPUs are a stand-in for NVIDIA's library (``tests/support/nvml``): what a real driver
takes for its answers comes on top, and is measured where there is one. The cost is CPU time
of the sampler's process over wall time, from when it is ready to its end. The recorder, which
writes the samples, is not in it. Beside it stands what pynvml's own calls take at that pace,
in a process that does nothing else (``bare_nvml.py``).

A step of a millisecond runs with the sampler and without it, run after run in turn; its
times are those of the spans. On two cores, the step has one and everything else the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.row import Row, quantity, ratio
from benchmarks.runs import finished, processors_busy, single
from mlbench import Benchmark
from mlbench.stats import quantile

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support" / "nvml"))

from stand_in import StandIn, why_not

__all__ = ["rows"]

SECONDS = 10
STEP_SECONDS = 5
REPEATS = 5
GPUS = 8
PROCESSES = 10
COSTS = ((10, 1.0), (100, 6.0))
"""Readings per second, and the percentage of one core that they may take."""

SCRIPT = (
    f"gpus {GPUS}\n"
    "gpu * power=300 memory_used=40e9 gpu_busy=90 sm_activity=60\n"
    "process * pid=1 memory=8e9 sm=40 memory_busy=10\n"
    "process * pid=2 memory=9e9 sm=20 memory_busy=10\n"
)


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    if reason := why_not():
        raise RuntimeError(f"no stand-in for NVIDIA's library: {reason}")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        with _gpus(StandIn(out)):
            for rate, most in COSTS:
                yield _cost(rate, most, out / "runs")
            yield from _punctuality(out / "runs")
        yield from _beside_a_step(out / "runs")


@contextmanager
def _gpus(stand_in: StandIn) -> Iterator[None]:
    """Engines that start in this block have the GPUs of the script."""
    before = dict(os.environ)
    os.environ.update(stand_in.environment(SCRIPT))
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _crowds(rate: float | None, seconds: float) -> Benchmark:
    """Two pipelines of ten processes, and all probes at a rate; null for the default rates."""
    stage = {"uses": "benchmarks.crowd:Crowd", "with": {"children": PROCESSES - 1}}
    pipeline = {
        "data": {"uses": "synthetic.items"},
        "outputs": "none",
        "place": {"device": "cpu"},
        "stages": {"hold": stage},
    }
    rates = {} if rate is None else {"rates": {"fast": rate, "medium": rate}}
    return Benchmark.model_validate(
        {
            "name": "crowds",
            "stop": {"seconds": seconds},
            "telemetry": {**rates, "idle": 0},
            "pipelines": {"a": pipeline, "b": pipeline},
        }
    )


def _sampled(rate: float | None, out: Path) -> Mapping[str, Any]:
    """What the sampler of a run said of itself."""
    found: Mapping[str, Any] = finished(_crowds(rate, SECONDS), out).manifest["harness"]["sampler"]
    return found


def _cost(rate: int, most: float, out: Path) -> Row:
    told, bare = [], []
    for _ in range(REPEATS):
        told.append(_sampled(rate, out))
        bare.append(_bare(rate))
    shares = [each["cpu_ns"] / each["wall_ns"] for each in told]
    missed = sum(each["missed"] for each in told) / sum(each["ticks"] for each in told)
    return Row(
        "sampler",
        f"{GPUS} GPUs and two pipelines of {PROCESSES} processes at {rate} Hz",
        quantity(shares, "% of one core", 100),
        quantity(bare, "% (pynvml's calls alone)", 100),
        f"{ratio(shares, bare)[1]}, {missed:.2%} of the deadlines missed",
        bar=f"≤ {most:g} %",
        met=float(np.median(shares)) * 100 <= most,
    )


def _bare(rate: int) -> float:
    """The share of a core that the same calls take, in a process that does nothing else."""
    clocks = [str(os.getpid())] * 2 * PROCESSES
    command = [sys.executable, "-m", "benchmarks.bare_nvml", str(rate), str(SECONDS), *clocks]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _punctuality(out: Path) -> Iterator[Row]:
    """How late its threads wake up, at the default rates."""
    companies: Mapping[str, AbstractContextManager[None]] = {
        "idle": nullcontext(),
        "all cores busy": processors_busy(os.cpu_count() or 1),
    }
    for company, beside in companies.items():
        with beside:
            late = [float(_sampled(None, out)["late_p99_ns"]) for _ in range(REPEATS)]
        yield Row("sampler", f"wake-up lateness, {company}: p99", quantity(late, "µs", 1e-3))


def _beside_a_step(out: Path) -> Iterator[Row]:
    """A step of a millisecond beside the sampler, and without it."""
    stages = {"step": {"uses": "benchmarks.crowd:TorchStep"}}
    first = min(os.sched_getaffinity(0))
    place = {"device": "cpu", "cpus": [first], "threads": 1}
    bench = single(stages, place=place, stop={"seconds": STEP_SECONDS})
    sampled, alone = [], []
    for _ in range(REPEATS):
        for found, telemetry in ((sampled, "on"), (alone, "off")):
            spec = {**bench.plain(), "telemetry": telemetry}
            spans = finished(Benchmark.model_validate(spec), out).spans()
            times = (spans["end"] - spans["start"])[
                (spans["stage"] == "step") & (spans["query"] >= 0)
            ]
            found.append(times.to_numpy(np.int64))
    for name, of in (("mean", np.mean), ("p99", lambda values: quantile(values, 0.99))):
        measured, reference = ([float(of(each)) for each in times] for times in (sampled, alone))
        yield Row(
            "sampler",
            f"a torch step beside the sampler at its default rates: {name}",
            quantity(measured, "ms", 1e-6),
            quantity(reference, "ms (without a sampler)", 1e-6),
            ratio(measured, reference)[1],
        )
