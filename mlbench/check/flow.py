"""Types along the edges: what a stage gives is what the next one takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import GenericAlias
from typing import Any, Union

from mlbench.check.ports import alternatives, describe, element_of, fits, list_of
from mlbench.check.structure import edges_with_paths
from mlbench.errors import Path, Problem
from mlbench.interfaces.stage import DataSource, Stage
from mlbench.spec import Pipeline

__all__ = ["misfits"]

AnyStage = Stage | type[Stage]
"""A configured stage, or only its class where its options are wrong."""


@dataclass(frozen=True)
class Arrival:
    """A payload that comes to a stage.

    Parameters
    ----------
    phrase
        Who gives what, for a message.
    gives
        Its type.
    path
        Of the edge in the spec.
    """

    phrase: str
    gives: object
    path: Path


@dataclass(frozen=True)
class Flow:
    """What goes along the edges of a pipeline, as far as its stages could be found."""

    pipeline: Pipeline
    path: Path
    by_edge: dict[str, list[Arrival]] = field(default_factory=dict)

    def arriving(self, name: str, passed: frozenset[str] = frozenset()) -> list[Arrival]:
        """What comes to a stage; for a join the one payload that it makes of its branches."""
        parts = list(self.by_edge.get(name, ()))
        for other, spec in self.pipeline.stages.items():
            if spec.then == name and other not in passed:
                parts += self._passed_on(other, passed | {name})
        if parts and self.pipeline.stages[name].join:
            return [self._joined(name, parts)]
        return parts

    def _passed_on(self, name: str, passed: frozenset[str]) -> list[Arrival]:
        """What a stage hands to its ``then`` unchanged, when its visits are used up."""
        at = (*self.path, "stages", name, "then")
        return [
            Arrival(f"{arrival.phrase}, which {name!r} passes on", arrival.gives, at)
            for arrival in self.arriving(name, passed)
        ]

    def _joined(self, name: str, parts: list[Arrival]) -> Arrival:
        gives = GenericAlias(dict, (str, _union([part.gives for part in parts])))
        at = (*self.path, "stages", name, "join")
        return Arrival(f"{name!r} joins {describe(gives)}", gives, at)


def _union(types: list[object]) -> Any:  # Any: a type that is made at run time
    try:
        return Union[tuple(types)]  # noqa: UP007  (made at run time)
    except TypeError:  # a stage declared something that is no type
        return object


def misfits(
    pipeline: Pipeline,
    data: DataSource | type[DataSource] | None,
    stages: Mapping[str, AnyStage],
    path: Path,
) -> Iterator[Problem]:
    """Payloads that a stage does not take; looks only at what could be found."""
    flow = Flow(pipeline, path)
    if data is not None:
        flow.by_edge[pipeline.first] = [_items(pipeline, data, path)]
    for name, stage in stages.items():
        for target, arrival in _departures(pipeline, name, stage, path):
            flow.by_edge.setdefault(target, []).append(arrival)
    for name, stage in stages.items():
        batchless = list(_unbatchable(pipeline, name, stage, (*path, "stages", name, "batch")))
        yield from batchless or _not_taken(flow, name, stage)


def _unbatchable(pipeline: Pipeline, name: str, stage: AnyStage, path: Path) -> Iterator[Problem]:
    """A batch for a stage that does not take, or does not give, a list."""
    if pipeline.stages[name].batch is None:
        return
    if not fits(list, stage.takes):
        text = f"{name!r} takes {describe(stage.takes)}, but a batch comes as a list"
        yield Problem(path, text)
    elif not any(fits(each, list) for each in alternatives(stage.gives)):
        text = f"{name!r} gives {describe(stage.gives)}, but a batch needs a list of results"
        yield Problem(path, text)


def _not_taken(flow: Flow, name: str, stage: AnyStage) -> Iterator[Problem]:
    batched = flow.pipeline.stages[name].batch is not None
    for arrival in flow.arriving(name):
        given = list_of(arrival.gives) if batched else arrival.gives
        if not fits(given, stage.takes):
            of = " for a batch" if batched else ""
            text = f"{arrival.phrase}, but {name!r} takes {describe(stage.takes)}{of}"
            own = ":" in flow.pipeline.stages[name].uses
            yield Problem(arrival.path, text, _annotation(given, stage.takes) if own else "")


def _annotation(given: object, takes: object) -> str:
    """How to annotate a stage of one's own that takes only some of what comes."""
    left_out = [each for each in alternatives(given) if not fits(each, takes)]
    if len(left_out) == len(alternatives(given)):
        return ""
    wider = " | ".join(dict.fromkeys(map(describe, (*alternatives(takes), *left_out))))
    return f"annotate what it takes with {wider.replace('anything', 'object')}, or not at all"


def _items(pipeline: Pipeline, data: DataSource | type[DataSource], path: Path) -> Arrival:
    count, item = pipeline.data.items_per_query, _item_of(data)
    if count == 1:
        text = f"the data {pipeline.data.uses!r} gives {describe(item)}"
        return Arrival(text, item, (*path, "data", "uses"))
    gives = list_of(item)
    text = f"with items_per_query {count} the data gives {describe(gives)}"
    return Arrival(text, gives, (*path, "data", "items_per_query"))


def _item_of(data: DataSource | type[DataSource]) -> object:
    if isinstance(data, type):
        return data.gives
    try:
        return data.given()
    except Exception:  # somebody's own code: nothing is known of its items
        return object


def _departures(
    pipeline: Pipeline, name: str, stage: AnyStage, path: Path
) -> Iterator[tuple[str, Arrival]]:
    """What leaves a stage, with where it goes to."""
    spec = pipeline.stages[name]
    gives = element_of(stage.gives) if spec.batch else stage.gives
    outputs = _outputs(stage)
    for at, target in edges_with_paths(spec, (*path, "stages", name)):
        if isinstance(spec.to, dict):
            output = str(at[-1])
            given = outputs.get(output, object)
            text = f"{name!r} gives {describe(given)} as {output!r}"
            yield target, Arrival(text, given, at)
        else:
            yield target, Arrival(f"{name!r} gives {describe(gives)}", gives, at)


def _outputs(stage: AnyStage) -> Mapping[str, object]:
    if isinstance(stage, type):
        return stage.outputs
    try:
        return stage.routes() or {}
    except Exception:  # `routers` reports the same error, with its place
        return {}
