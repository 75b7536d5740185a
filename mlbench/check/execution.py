"""What serial execution cannot do, and stop rules that contradict themselves."""

from __future__ import annotations

from collections.abc import Iterator

from mlbench.errors import Path, Problem
from mlbench.interfaces.load import ClosedLoad, LoadModel
from mlbench.spec import Pipeline, StageSpec, Stop

__all__ = ["needs_pipelined", "wrong_stop"]

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
