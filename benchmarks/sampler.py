"""What sampling costs, how punctual it is, and what it does to a workload beside it.

The GPUs are a stand-in for NVIDIA's library (``tests/support/nvml``): what a real driver
takes for its answers comes on top, and is measured where there is one. The cost is CPU time
of the sampler's process over wall time, from when it is ready to its end. The recorder, which
writes the samples, is not in it. Beside it stands what pynvml's own functions take that ask
the same at that pace, in a process that does nothing else, and what it takes to read the
clocks and files of the same number of processes (``bare_nvml.py``).

A step of a millisecond runs on in a run whose sampler is stopped every other quarter second
(`benchmarks.intermittent`); its times are those of the spans. On two cores, the step has one
and everything else the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import ceil, log
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.intermittent import BLOCK_S, intermittent, of_blocks
from benchmarks.row import Row, quantity, ratio
from benchmarks.runs import finished, processors_busy, single
from mlbench import Benchmark
from mlbench.stats import Interval, quantile, ratio_interval

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support" / "nvml"))

from stand_in import StandIn, why_not

__all__ = ["rows"]

SECONDS = 10
REPEATS = 5
PAIRS, POOLED = 400, 10
"""Pairs of blocks, and how many at a time have steps enough for a p99 of theirs."""

MOST_SLOWDOWN = 1.01
PAIR_MINUTES = 2 * BLOCK_S / 60
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
                yield from _cost(rate, most, out / "runs")
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


def _cost(rate: int, most: float, out: Path) -> Iterator[Row]:
    told, calls, files = [], [], []
    for _ in range(REPEATS):
        told.append(_sampled(rate, out))
        calls.append(_bare("calls", rate))
        files.append(_bare("files", rate))
    shares = [each["cpu_ns"] / each["wall_ns"] for each in told]
    missed = sum(each["missed"] for each in told) / sum(each["ticks"] for each in told)
    what = f"{GPUS} GPUs and two pipelines of {PROCESSES} processes at {rate} Hz"
    yield Row(
        "sampler",
        what,
        quantity(shares, "% of one core", 100),
        quantity(calls, "% (pynvml's calls alone)", 100),
        f"{ratio(shares, calls)[1]}, {missed:.2%} of the deadlines missed",
        bar=f"≤ {most:g} %",
        met=float(np.median(shares)) * 100 <= most,
    )
    yield Row(
        "sampler",
        f"{what}, beside both floors",
        quantity(shares, "% of one core", 100),
        quantity(files, "% more (clocks and files of processes and the machine alone)", 100),
        ratio(shares, [a + b for a, b in zip(calls, files, strict=True)])[1],
    )


def _bare(what: str, rate: int) -> float:
    """The share of a core that it takes in a process that does nothing else."""
    command = [sys.executable, "-m", "benchmarks.bare_nvml", what, str(rate), str(SECONDS)]
    command.append(str(2 * PROCESSES))
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
    """A step of a millisecond while the sampler of its run works, and while that is stopped."""
    stages = {"step": {"uses": "benchmarks.crowd:TorchStep"}}
    first = min(os.sched_getaffinity(0))
    place = {"device": "cpu", "cpus": [first], "threads": 1}
    bench = single(stages, place=place, stop={"seconds": 600})
    spec = {**bench.plain(), "telemetry": {"idle": 0}}
    blocks, run = intermittent(Benchmark.model_validate(spec), out, PAIRS)
    spans = run.spans()
    spans = spans[(spans["stage"] == "step") & (spans["query"] >= 0)]
    begins = spans["start"].to_numpy(np.int64)
    times = (spans["end"] - spans["start"]).to_numpy(np.float64)
    figures: Mapping[str, tuple[Callable[[Any], Any], int]] = {
        "mean": (np.mean, 1),
        f"p99 of {POOLED} blocks at a time": (lambda values: quantile(values, 0.99), POOLED),
    }
    for name, (of, pooled) in figures.items():
        measured, reference = of_blocks(blocks, begins, times, of, pooled)
        found = ratio_interval(measured, reference)
        yield Row(
            "sampler",
            f"a torch step of a run, its sampler over {GPUS} GPUs at the default rates working or "
            f"stopped (SIGSTOP), blocks of {BLOCK_S:g} s in {PAIRS} pairs: {name}",
            quantity(measured, "ms", 1e-6),
            quantity(reference, "ms (sampler stopped)", 1e-6),
            f"{found.estimate:.4f} [{found.low:.4f}, {found.high:.4f}], {len(measured)} ratios"
            + _unresolved(found),
            bar=f"upper end ≤ {MOST_SLOWDOWN:g} ×",
            met=found.high is not None and found.high <= MOST_SLOWDOWN,
        )


def _unresolved(found: Interval) -> str:
    """What it would take, where the bar lies inside the interval: that shows neither.

    The interval narrows with the root of the pairs. No other way to estimate it from the same
    steps helps by more than a fifth: over the steps of a run, that of a p99 of all blocks is
    wider, with blocks resampled in pairs, and so is that of the share above one common p99.
    """
    if found.low is None or found.high is None or not found.low <= MOST_SLOWDOWN < found.high:
        return ""
    half, wanted = log(found.high / found.low) / 2, log(MOST_SLOWDOWN)
    pairs = ceil(PAIRS * (half / wanted) ** 2)
    return (
        f"; unresolved: ±{half:.1%} in {PAIRS * PAIR_MINUTES:.0f} min, and ±{wanted:.1%} would "
        f"take {pairs:,} pairs, {pairs * PAIR_MINUTES:.0f} min"
    )
