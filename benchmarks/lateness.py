"""How late queries are sent, and how soon they are received.

Lateness is sent - due of the queries of a real run, beside that of MLPerf LoadGen's Server
scenario with the same load on the machine, run after run in turn; `benchmarks.loadgen` says
where its stamps come from. "Beside stages that hold the GIL" is a stage that computes in
Python for 30 % of the time: of mlbench in its worker, of LoadGen in a thread of its system
under test, since LoadGen issues from the process of the system that it tests.

The pipeline has the first processor, and the driver the others: a pipeline that has them all
shares one with the driver, which then spins less. The floor is a process that waits for
instants at the same rate, in the same way, and does nothing else (`benchmarks.bare_wait`):
what it is late by, no sender on this machine can avoid.

Drift is how far the load has slipped at its end: (last sent - last due) over the length of
the schedule. The rate's error is that of the sent queries against the schedule's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import Row, interleaved, quantity, ratio
from benchmarks.runs import finished, processors_busy, require, single
from mlbench import Benchmark
from mlbench.stats import quantile

__all__ = ["rows"]

SECONDS = 2
REPEATS = 5
RATES = (1000, 5000)
GIL_SHARE = 0.3
INGRESS_RATE = 1000

PLACE = {"cpus": [min(os.sched_getaffinity(0))]}
NOOP = {"step": {"uses": "synthetic.noop"}}


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    require("mlperf_loadgen")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for rate in RATES:
            yield from _lateness(f"{rate:,}/s, idle", rate, 0, nullcontext(), out)
            busy = processors_busy(os.cpu_count() or 1)
            yield from _lateness(f"{rate:,}/s, all cores busy", rate, 0, busy, out)
            spin_s = GIL_SHARE / rate
            yield from _lateness(f"{rate:,}/s, beside the GIL", rate, spin_s, nullcontext(), out)
        yield from _ingress(out)
        yield from _closed(out)


@dataclass(frozen=True)
class Dispatched:
    """One load: when its queries were due and sent, and what sending them took.

    Parameters
    ----------
    due, sent
        ns, in the order of ``due``.
    cpu_share
        CPU time of the sender over wall time.
    real_time
        Whether it had real-time priority.
    """

    due: NDArray[np.int64]
    sent: NDArray[np.int64]
    cpu_share: float
    real_time: bool = False

    def late_ns(self, p: float) -> float:
        """A quantile of the lateness."""
        return quantile(self.sent - self.due, p)

    @property
    def drift(self) -> float:
        """How far the last query had slipped, as a share of the schedule."""
        return float((self.sent[-1] - self.due[-1]) / (self.due[-1] - self.due[0]))

    @property
    def rate_error(self) -> float:
        """The rate at which queries were sent over that at which they were due, less one."""
        return float((self.due[-1] - self.due[0]) / (self.sent[-1] - self.sent[0]) - 1)


def _lateness(
    what: str, rate: int, spin_s: float, beside: AbstractContextManager[None], out: Path
) -> Iterator[Row]:
    ours, theirs, waits = [], [], []
    with beside:
        for _ in range(REPEATS):
            ours.append(_by_mlbench(rate, spin_s, out))
            theirs.append(_by_loadgen(rate, spin_s))
            waits.append(np.array(_child("benchmarks.bare_wait", rate, SECONDS)))
    yield _quantile_row(f"{what}: p50", ours, theirs, 0.5)
    yield _quantile_row(f"{what}: p99", ours, theirs, 0.99)
    yield _floor_row(f"{what}: p99 beside the floor", ours, waits)
    yield _drift_row(f"{what}: drift (error of the rate)", ours, theirs)
    yield Row(
        "lateness",
        f"{what}: CPU of the driver",
        quantity([each.cpu_share for each in ours], "% of a core", 100),
        quantity([each.cpu_share for each in theirs], "% (LoadGen's issuing thread)", 100),
    )


def _by_mlbench(rate: int, spin_s: float, out: Path) -> Dispatched:
    stages = {"step": {"uses": "synthetic.spin", "with": {"seconds": spin_s}}} if spin_s else NOOP
    load = {"poisson": {"rate": rate}}
    run = finished(single(stages, load=load, place=PLACE, stop={"seconds": SECONDS}), out)
    queries = run.queries().sort_values("due")
    driver = run.manifest["harness"]["driver"]
    return Dispatched(
        queries["due"].to_numpy(np.int64),
        queries["sent"].to_numpy(np.int64),
        driver["cpu_ns"] / driver["wall_ns"],
        driver["precision"]["sched_fifo"],
    )


def _by_loadgen(rate: int, spin_s: float) -> Dispatched:
    told = _child("benchmarks.loadgen", rate, SECONDS, spin_s)
    due, sent = np.array(told["due"]), np.array(told["sent"])
    order = np.argsort(due, kind="stable")
    return Dispatched(due[order], sent[order], told["cpu_share"])


def _child(module: str, *arguments: float) -> Any:  # Any: JSON
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def _quantile_row(
    what: str, ours: Sequence[Dispatched], theirs: Sequence[Dispatched], p: float
) -> Row:
    measured, reference = [x.late_ns(p) for x in ours], [x.late_ns(p) for x in theirs]
    estimate, text = ratio(measured, reference)
    limit_us = 1 if p == 0.5 else 50 if all(each.real_time for each in ours) else None
    met = limit_us is None or median(measured) <= limit_us * 1000
    bar = "" if limit_us is None else f"≤ {limit_us} µs"
    if p == 0.99:
        bar = f"≤ LoadGen's{bar and ', ' + bar}"
        met = met and estimate <= 1
    return Row(
        "lateness",
        what,
        quantity(measured, "µs", 1e-3),
        quantity(reference, "µs (LoadGen)", 1e-3),
        text,
        bar,
        met,
    )


def _floor_row(what: str, ours: Sequence[Dispatched], waits: Sequence[NDArray[np.int64]]) -> Row:
    measured, reference = [x.late_ns(0.99) for x in ours], [quantile(x, 0.99) for x in waits]
    return Row(
        "lateness",
        what,
        quantity(measured, "µs", 1e-3),
        quantity(reference, "µs (the same waits in a process that does nothing else)", 1e-3),
        ratio(measured, reference)[1],
    )


def _drift_row(what: str, ours: Sequence[Dispatched], theirs: Sequence[Dispatched]) -> Row:
    return Row(
        "lateness",
        what,
        _drift(ours),
        f"{_drift(theirs)} (LoadGen)",
        bar="≤ 0.01 %",
        met=median(each.drift for each in ours) <= 1e-4,
    )


def _drift(loads: Sequence[Dispatched]) -> str:
    drift, error = median(x.drift for x in loads), median(x.rate_error for x in loads)
    return f"{drift * 100:.4f} % ({error * 100:+.4f} %)"


def _ingress(out: Path) -> Iterator[Row]:
    """From sent to received beside a pipe with nothing around it, on an idle machine."""
    load = {"poisson": {"rate": INGRESS_RATE}}
    bench = single(NOOP, load=load, place=PLACE, stop={"seconds": SECONDS})
    ours, bare = [], []
    for _ in range(REPEATS):
        queries = finished(bench, out).queries()
        ours.append((queries["received"] - queries["sent"]).to_numpy(np.int64))
        bare.append(np.array(_child("benchmarks.bare_pipe", INGRESS_RATE, SECONDS)))
    for name, p in (("p50", 0.5), ("p99", 0.99)):
        measured, reference = ([quantile(each, p) for each in times] for times in (ours, bare))
        yield Row(
            "lateness",
            f"ingress, received - sent at {INGRESS_RATE:,}/s, idle: {name}",
            quantity(measured, "µs", 1e-3),
            quantity(reference, "µs (a pipe between two processes)", 1e-3),
            ratio(measured, reference)[1],
        )


def _closed(out: Path) -> Iterator[Row]:
    """The gap of a closed load, from a free slot to the next query, alone and with company."""
    cpus = sorted(os.sched_getaffinity(0))
    companies = {"alone": [], "beside a pipeline on the same core": [cpus[0]]}
    if len(cpus) > 1:
        companies["beside a pipeline on another core"] = [cpus[1]]
    gaps = interleaved(
        REPEATS,
        *(lambda cpus=[cpus[0], *other]: _gap_ns(cpus, out) for other in companies.values()),
    )
    for company, gap in zip(companies, gaps, strict=True):
        yield Row(
            "lateness",
            f"closed load, gap to the next query, {company}: p50",
            quantity(gap, "µs", 1e-3),
            bar="≤ 10 µs",
            met=median(gap) <= 10_000,
        )


def _gap_ns(cpus: Sequence[int], out: Path) -> float:
    """The median gap of the first of some pipelines, one on each processor of a list."""
    stages = {"step": {"uses": "synthetic.spin", "with": {"seconds": 0.0002}}}
    common = single(stages, stop={"seconds": 1}).pipelines["only"].model_dump(exclude_unset=True)
    pipelines = {f"p{i}": {**common, "place": {"cpus": [cpu]}} for i, cpu in enumerate(cpus)}
    queries = finished(Benchmark(name="closed", pipelines=pipelines), out).queries()
    return quantile(queries.loc[queries["pipeline"] == "p0", "lateness_ns"].to_numpy(np.int64), 0.5)
