"""What the figures of the tests are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from recorded import Made, Plan, blocks_of
from virtual import MS, SECOND, Traffic, closed, poisson, served

from mlbench.run import Run, start
from mlbench.spec import Benchmark
from mlbench.study.layout import Treatment, against, alone, pair
from mlbench.study.study import Study

WINDOW_MS = 10_000

HOSTILE = 'b "quoted" <i>&'
"""A name with what breaks HTML, SVG and LaTeX."""


def hostile_run(folder: Path) -> Run:
    """A second of a real engine."""

    def stages(seconds: float) -> dict[str, Any]:
        spin = {"uses": "synthetic.spin", "with": {"seconds": seconds}}
        return {"prepare": {**spin, "to": "infer"}, "infer": spin}

    pipelines = {
        "search": {"load": {"poisson": {"rate": 80}}, "stages": stages(0.001)},
        HOSTILE: {"load": {"closed": {"concurrency": 1}}, "stages": stages(0.004)},
    }
    common = {"data": {"uses": "synthetic.items"}, "slo": {"latency_ms": 50}}
    specs = {name: {**common, **pipeline} for name, pipeline in pipelines.items()}
    data = {"name": "figures", "seed": 3, "stop": {"seconds": 1.5}, "pipelines": specs}
    run = start(Benchmark.model_validate(data), folder).wait(60)
    assert run.status == "done", run.engine_log()
    return run


def open_traffic(seed: int, mean_ms: float, count: int = 700) -> Traffic:
    """Poisson arrivals over ten seconds to one server, half busy when it is alone."""
    random = np.random.default_rng(seed)
    due = poisson(random, count / 9.5, count)
    due = due[due < 10 * SECOND]
    service = random.gamma(4.0, mean_ms / 4, due.size) * MS
    return served(due, service.astype(np.int64), end_ns=10 * SECOND)


def closed_traffic(seed: int, mean_ms: float) -> Traffic:
    """One query after the other, for longer than the window."""
    random = np.random.default_rng(seed)
    count = int(1.2 * WINDOW_MS / mean_ms)
    return closed((random.gamma(9.0, mean_ms / 9, count) * MS).astype(np.int64))


def group_study(path: Path, blocks: int = 5) -> Study:
    """``search`` and ``train``, which slow each other down."""
    search = [open_traffic(i, 4.0, 900) for i in range(blocks)]
    slower = [open_traffic(i, 6.5 + i / 9, 900) for i in range(blocks)]
    train = [closed_traffic(i, 40) for i in range(blocks)]
    slower_train = [closed_traffic(i, 55 + i) for i in range(blocks)]
    made = blocks_of({"search": search, "train": train}, {"search": slower, "train": slower_train})
    objective = {"search": {"slo": {"latency_ms": 40}}}
    return Plan(made, pipelines=objective).write(path)


def pairs_study(path: Path) -> Study:
    """Every two of three."""
    names = ("search", "rank", "train")
    slow = {("search", "rank"): 1.2, ("search", "train"): 1.7, ("rank", "train"): 1.4}
    blocks = [_pairs_block(i, names, slow) for i in range(3)]
    alone_ones = [Treatment(name=alone(n), pipelines=(n,), role="isolated") for n in names]
    pairs = [Treatment(name=pair(a, b), pipelines=(a, b), role="collocated") for a, b in slow]
    return Plan(blocks, [*alone_ones, *pairs], manifest={"design": {"kind": "pairs"}}).write(path)


def _pairs_block(
    number: int, names: Sequence[str], slow: Mapping[tuple[str, str], float]
) -> dict[str, Made]:
    def traffic(name: str, factor: float = 1.0) -> Traffic:
        seed = 10 * number + names.index(name)
        return open_traffic(seed, 4.0 * factor + number / 20, 200)

    isolated = {alone(name): Made({name: traffic(name)}) for name in names}
    together = {
        pair(a, b): Made({a: traffic(a, factor), b: traffic(b, factor * 1.1)})
        for (a, b), factor in slow.items()
    }
    return {**isolated, **together}


def against_study(path: Path) -> Study:
    """``search`` and ``rank`` beside ``memory``."""
    names, dials = ("search", "rank"), (0.25, 0.5, 1.0)
    treatments = [Treatment(name=alone(n), pipelines=(n,), role="isolated") for n in names]
    treatments += [
        Treatment(
            name=f"{against('memory', dial)}-{name}",
            pipelines=(name, "memory"),
            role="collocated",
            dial=dial,
        )
        for dial in dials
        for name in names
    ]
    blocks = [_against_block(number, names, treatments) for number in range(3)]
    return Plan(blocks, treatments, manifest={"design": {"kind": "against"}}).write(path)


def _against_block(
    number: int, names: Sequence[str], treatments: Sequence[Treatment]
) -> dict[str, Made]:
    made = {}
    for treatment in treatments:
        name = treatment.pipelines[0]
        strength = 0.5 + 0.7 * names.index(name)
        factor = 1 + strength * (treatment.dial or 0) + number / 50
        traffic = open_traffic(10 * number + names.index(name), 4.0 * factor, 150)
        beside = {} if treatment.dial is None else {"memory": closed_traffic(number, 20)}
        made[treatment.name] = Made({name: traffic, **beside})
    return made


def tradeoff_table() -> pd.DataFrame:
    """The table of a paper on sharing: STP and the inflation of p99."""
    return pd.DataFrame(
        {
            "name": ["time slicing", "shares 50/50", "free for all"],
            "stp": [1.21, 1.44, 1.73],
            "stp_low": [1.18, 1.40, 1.66],
            "stp_high": [1.24, 1.48, 1.79],
            "inflation": [210.0, 46.0, 290.0],
            "inflation_low": [180.0, 40.0, 220.0],
            "inflation_high": [240.0, 55.0, 370.0],
        }
    )


def load_table() -> pd.DataFrame:
    """Two pipelines up to their capacity, and one point beyond."""
    rows = []
    for name, capacity, base, limit in (("search", 120, 8.0, 50), ("rank", 60, 20.0, 80)):
        for share in (0.1, 0.3, 0.5, 0.7, 0.9):
            p99 = base / (1 - share)
            rows.append(
                {
                    "pipeline": name,
                    "offered_rate": share * capacity,
                    "p99": p99,
                    "p99_low": 0.9 * p99,
                    "p99_high": 1.2 * p99,
                    "slo_ms": limit,
                    "saturated": False,
                }
            )
        beyond = {"offered_rate": 1.1 * capacity, "p99": 5000.0, "saturated": True}
        rows.append({"pipeline": name, "slo_ms": limit, **beyond})
    return pd.DataFrame(rows)


def energy_table() -> pd.DataFrame:
    """Two pipelines, a stage each, idle, by three models."""
    parts = (
        ("search", None, 420.0),
        ("search", "infer", 340.0),
        ("train", None, 900.0),
        ("train", "step", 880.0),
        ("idle", None, 300.0),
    )
    models = {"equal": 1.0, "SM time": 1.2, "calibrated alone": 0.9}
    return pd.DataFrame(
        [
            {
                "pipeline": pipeline,
                "stage": stage,
                "model": model,
                "joules": joules * (1.0 if pipeline == "idle" else factor),
            }
            for pipeline, stage, joules in parts
            for model, factor in models.items()
        ]
    )


def sweep_table() -> pd.DataFrame:
    """Latency over rate and share, three repeats a point."""
    return pd.DataFrame(
        [
            {
                "share": share,
                "rate": rate,
                "pipeline": name,
                "latency_ms": base * (1 + rate / share) + repeat,
            }
            for share in (25, 50, 100)
            for rate in (1, 2, 5, 10, 20, 50, 100)
            for name, base in (("search", 10.0), ("train", 40.0))
            for repeat in range(3)
        ]
    )
