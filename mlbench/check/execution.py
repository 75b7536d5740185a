"""What serial execution cannot do, and numbers of a spec that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from mlbench.errors import Path, Problem
from mlbench.interfaces.load import ClosedLoad, LoadModel
from mlbench.spec import Benchmark, Pipeline, StageSpec, Stop

__all__ = ["needs_pipelined", "wrong_stop", "wrong_waits"]

_HINT = "set execution: pipelined"


def needs_pipelined(pipeline: Pipeline, load: LoadModel | None, path: Path) -> Iterator[Problem]:
    """Settings that only pipelined execution has, in a serial pipeline."""
    if pipeline.execution == "pipelined":
        return
    if isinstance(load, ClosedLoad) and load.in_flight > 1:
        text = f"serial execution has one query in flight, not {load.in_flight}"
        yield Problem((*path, "load", pipeline.load.name), text, _HINT)
    for name, spec in pipeline.stages.items():
        for key in ("batch", "workers", "queue"):
            if getattr(spec, key) != StageSpec.model_fields[key].default:
                text = "has no effect in serial execution"
                yield Problem((*path, "stages", name, key), text, _HINT)


def wrong_stop(stop: Stop | None, path: Path) -> Iterator[Problem]:
    """Minima above the maximum."""
    if stop is None:
        return
    for unit in ("seconds", "queries"):
        least = getattr(stop, f"min_{unit}")
        for key in (unit, f"max_{unit}"):
            most = getattr(stop, key)
            if most is not None and least > most:
                text = f"{least:g} is above {key}, which is {most:g}"
                yield Problem((*path, "stop", f"min_{unit}"), text)


def wrong_waits(bench: Benchmark) -> Iterator[Problem]:
    """Batches that are gathered for longer than a query may take."""
    limit_s = bench.timeouts.query
    for name, pipeline in bench.pipelines.items():
        for stage, spec in pipeline.stages.items():
            if spec.batch is not None and spec.batch.max_wait_ms >= limit_s * 1e3:
                text = f"a query that waits so long has timed out after {limit_s:g} s"
                path = ("pipelines", name, "stages", stage, "batch", "max_wait_ms")
                yield Problem(path, text, "wait less, or set timeouts: {query: ...}, in seconds")
