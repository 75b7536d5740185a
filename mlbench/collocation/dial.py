"""A dial: the one number of a pipeline that a study turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlbench.errors import Problem, SpecError, nearest
from mlbench.spec import Benchmark, Pipeline

__all__ = ["turned", "wrong_dial"]

Keys = tuple[str, ...]

PATH = ("study", "against")


def turned(bench: Benchmark, level: float) -> Benchmark:
    """The benchmark with the dial of its co-tenant at ``level``.

    Whole numbers are written as such: an option may take nothing else.

    Raises
    ------
    SpecError
        If there is no such dial.
    """
    against = bench.study.against
    assert against is not None
    if found := list(wrong_dial(bench)):
        raise SpecError(found)
    pipeline = bench.pipelines[against.pipeline]
    keys = _keys(pipeline, against.dial)
    changed = _changed(pipeline, keys, int(level) if level == int(level) else level)
    pipelines = {**bench.pipelines, against.pipeline: changed}
    return bench.model_copy(update={"pipelines": pipelines})


def wrong_dial(bench: Benchmark) -> Iterator[Problem]:
    """A co-tenant or a dial that is not there."""
    against = bench.study.against
    if against is None:
        return
    if against.pipeline not in bench.pipelines:
        hint = nearest(against.pipeline, bench.pipelines)
        yield Problem((*PATH, "pipeline"), f"no pipeline is called {against.pipeline!r}", hint)
        return
    pipeline = bench.pipelines[against.pipeline]
    if "." in against.dial:
        yield from _wrong_path(pipeline, _split(against.dial))
        return
    stages = _stages_with(pipeline, against.dial)
    if len(stages) != 1:
        text = f"{len(stages)} stages of {against.pipeline!r} set {against.dial!r} under with"
        yield Problem((*PATH, "dial"), text, f"write {_example(pipeline, against.dial)}")


def _example(pipeline: Pipeline, option: str) -> str:
    stage = next(iter(_stages_with(pipeline, option)), next(iter(pipeline.stages)))
    return f"dial: stages.{stage}.with.{option}"


def _keys(pipeline: Pipeline, dial: str) -> Keys:
    """The path of the dial in the pipeline."""
    if "." in dial:
        return _split(dial)
    (stage,) = _stages_with(pipeline, dial)
    return ("stages", stage, "with", dial)


def _split(dial: str) -> Keys:
    return tuple(dial.split("."))


def _stages_with(pipeline: Pipeline, option: str) -> list[str]:
    """The stages that set an option; a stage that stands alone may have it by default."""
    setting = [name for name, spec in pipeline.stages.items() if option in spec.with_]
    return setting or (list(pipeline.stages) if len(pipeline.stages) == 1 else [])


def _wrong_path(pipeline: Pipeline, keys: Keys) -> Iterator[Problem]:
    """A path that does not lead to an option of a stage, of the data or of the load."""
    match keys:
        case ("stages", stage, "with", _):
            if stage not in pipeline.stages:
                hint = nearest(stage, pipeline.stages)
                yield Problem((*PATH, "dial"), f"no stage is called {stage!r}", hint)
        case ("load", name, _):
            if name != pipeline.load.name:
                text = f"the load is {pipeline.load.name!r}, not {name!r}"
                yield Problem((*PATH, "dial"), text)
        case ("data", "with", _):
            return
        case _:
            text = f"{'.'.join(keys)!r} is no option of a stage, of the data or of the load"
            yield Problem((*PATH, "dial"), text, "such as stages.spin.with.seconds")


def _changed(pipeline: Pipeline, keys: Keys, value: Any) -> Pipeline:  # Any: a number
    match keys:
        case ("stages", stage, _, option):
            spec = pipeline.stages[stage]
            spec = spec.model_copy(update={"with_": {**spec.with_, option: value}})
            return pipeline.model_copy(update={"stages": {**pipeline.stages, stage: spec}})
        case ("load", _, option):
            options = {**pipeline.load.options, option: value}
            load = pipeline.load.model_copy(update={"options": options})
            return pipeline.model_copy(update={"load": load})
        case _:
            data = pipeline.data
            data = data.model_copy(update={"with_": {**data.with_, keys[-1]: value}})
            return pipeline.model_copy(update={"data": data})
