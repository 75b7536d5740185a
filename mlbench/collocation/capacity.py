"""Loads that are a share of a pipeline's capacity: how it is measured, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mlbench.analysis.periods import measured_period
from mlbench.analysis.queries import queries_of
from mlbench.analysis.throughput import achieved_rate
from mlbench.errors import EngineError, Problem
from mlbench.run import open_run
from mlbench.spec import Benchmark, Load, Pipeline
from mlbench.study.layout import CapacityEntry

__all__ = ["capacity_of", "saturated", "with_rates", "wrong_utilisations"]

MAX_UTILISATION = 10.0

PLACEHOLDER = 1.0
"""A capacity, queries/s, for looking at a spec before it is measured."""


def wrong_utilisations(bench: Benchmark) -> Iterator[Problem]:
    """Utilisations that are no share, or stand beside a rate."""
    for name, pipeline in bench.pipelines.items():
        share, path = pipeline.load.utilisation, ("pipelines", name, "load", pipeline.load.name)
        if share is None:
            continue
        if "rate" in pipeline.load.options:
            yield Problem((*path, "utilisation"), "stands beside a rate", "leave one of them out")
        if isinstance(share, bool) or not isinstance(share, int | float):
            yield Problem((*path, "utilisation"), f"expected a number such as 0.7, not {share!r}")
        elif not 0 < share <= MAX_UTILISATION:
            text = f"expected more than 0 and at most {MAX_UTILISATION:g}, not {share:g}"
            yield Problem((*path, "utilisation"), text, "0.7 is 70 % of the capacity")


def saturated(bench: Benchmark, name: str) -> Benchmark:
    """The benchmark with so many queries of one pipeline in flight that it never waits for one.

    In serial execution that is one; pipelined, each worker of each stage has a whole batch
    at work and another one waiting.
    """
    bench = with_rates(bench)
    pipeline = bench.pipelines[name]
    load = Load(name="closed", options={"concurrency": _in_flight(pipeline)})
    busy = pipeline.model_copy(update={"load": load})
    return bench.model_copy(update={"pipelines": {**bench.pipelines, name: busy}})


def _in_flight(pipeline: Pipeline) -> int:
    if pipeline.execution == "serial":
        return 1
    stages = pipeline.stages.values()
    return 2 * sum(spec.workers * (spec.batch.size if spec.batch else 1) for spec in stages)


def capacity_of(directory: Path, name: str) -> CapacityEntry:
    """The capacity that a saturated run shows, and how it was found.

    Raises
    ------
    EngineError
        If the run completed nothing.
    """
    run = open_run(directory)
    record = run.record(spans=False)
    period = measured_period(record, name)
    rate = achieved_rate(queries_of(record, name), period)
    seconds = period.seconds if period else 0
    if not rate:
        raise EngineError(f"{name} completed nothing in {seconds:g} s: make study.seconds longer")
    in_flight = run.bench.pipelines[name].load.options["concurrency"]
    return CapacityEntry(rate=rate, how=f"alone, {in_flight} in flight, {seconds:g} s")


def with_rates(bench: Benchmark, capacities: Mapping[str, float] | None = None) -> Benchmark:
    """The benchmark with a rate in place of each utilisation, to four digits.

    Parameters
    ----------
    capacities
        By pipeline, queries/s; null before they are measured.
    """
    pipelines = {
        name: pipeline.model_copy(update={"load": _at(pipeline.load, name, capacities)})
        for name, pipeline in bench.pipelines.items()
    }
    return bench.model_copy(update={"pipelines": pipelines})


def _at(load: Load, name: str, capacities: Mapping[str, float] | None) -> Load:
    share = load.utilisation
    if not isinstance(share, int | float):
        return load
    capacity = PLACEHOLDER if capacities is None else capacities[name]
    return load.at(float(f"{share * capacity:.4g}"))
