"""How many queries a study will have in each window, and what that is too few for."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from mlbench.check import resolve
from mlbench.collocation.capacity import with_rates
from mlbench.interfaces.load import OpenLoad
from mlbench.seed import stream
from mlbench.spec import Benchmark
from mlbench.stats import quantile_floor

__all__ = ["few_queries"]

QUANTILES = {"p90": quantile_floor(0.9), "p99": quantile_floor(0.99)}
"""What each needs in every run."""


def few_queries(bench: Benchmark) -> Iterator[str]:
    """A sentence for each open load of which a window has too few queries for a quantile.

    They are counted in the first block; other blocks differ a little. How many a closed load
    has, or one that is a share of the capacity, is not known before it runs.

    Parameters
    ----------
    bench
        One that can be studied here.
    """
    seconds, graphs = bench.study.seconds, resolve(with_rates(bench))
    for name, pipeline in bench.pipelines.items():
        load = graphs[name].load
        if pipeline.load.utilisation is not None or not isinstance(load, OpenLoad):
            continue
        count = _due_in_window(bench, name, load)
        lacking = {key: floor for key, floor in QUANTILES.items() if count < floor}
        if lacking:
            needs = " and ".join(
                f"{key} needs {floor}{_longer(seconds * floor, count)}"
                for key, floor in lacking.items()
            )
            yield f"{name}: about {count} queries in a window, and {needs}"


def _longer(scaled_s: float, count: int) -> str:
    """The window that has enough, if it goes on like this."""
    return f" (study: {{seconds: {ceil(scaled_s / count)}}})" if count else ""


def _due_in_window(bench: Benchmark, name: str, load: OpenLoad) -> int:
    """Queries that are due in the window of the first block, as far as they matter."""
    begin_ns = bench.study.settle * 1e9
    end_ns, most, count = begin_ns + bench.study.seconds * 1e9, max(QUANTILES.values()), 0
    for due_ns in load.due(stream(bench.seed, "arrivals", name, 0)):
        if due_ns >= end_ns or count >= most:
            break
        count += due_ns >= begin_ns
    return count
