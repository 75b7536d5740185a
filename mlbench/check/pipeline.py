"""One pipeline: what it names is found, then its graph, types and placement are checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from mlbench.check.cycles import endless, wrong_bounds
from mlbench.check.execution import needs_pipelined, wrong_stop
from mlbench.check.find import Found, find_choice, find_use
from mlbench.check.flow import misfits
from mlbench.check.graph import Graph, nodes_of
from mlbench.check.hardware import Hardware, lacking, wrong_placement
from mlbench.check.joins import impossible_joins, wrong_joins
from mlbench.check.load import find_load
from mlbench.check.routers import wrong_routes
from mlbench.check.structure import dangling, reserved, twice, unreachable
from mlbench.errors import Path, Problem
from mlbench.interfaces.load import LoadModel
from mlbench.interfaces.placement import PlacementMethod
from mlbench.interfaces.stage import Configurable, DataSource, Resource, Stage
from mlbench.spec import Pipeline, Use

__all__ = ["Checked", "check_pipeline"]

Kind = TypeVar("Kind", bound=Configurable)


@dataclass(frozen=True)
class Parts:
    """What a pipeline names, each as far as it could be found."""

    data: Found[DataSource]
    load: Found[LoadModel]
    sharing: Found[PlacementMethod]
    resources: dict[str, Found[Resource]]
    stages: dict[str, Found[Stage]]

    @property
    def problems(self) -> Iterator[Problem]:
        """Those of the parts, in the order of a spec."""
        yield from self.data.problems
        yield from self.load.problems
        yield from self.sharing.problems
        for resource in self.resources.values():
            yield from resource.problems
        for stage in self.stages.values():
            yield from stage.problems


@dataclass(frozen=True)
class Checked:
    """The problems of a pipeline, or its graph if there are none."""

    problems: list[Problem]
    graph: Graph | None


def check_pipeline(
    name: str, pipeline: Pipeline, hardware: Hardware | None, in_study: bool = False
) -> Checked:
    """Find everything that the pipeline names, and every mistake in it.

    Parameters
    ----------
    hardware
        What placements are held against; null to leave them alone, as in a worker that
        has been placed already.
    in_study
        Whether the rate of its load may be a share of a capacity that a study measures.
    """
    path = ("pipelines", name)
    parts = _parts(pipeline, path, in_study)
    found = [*parts.problems, *_graph_problems(pipeline, parts, path)]
    found += needs_pipelined(pipeline, parts.load.made, path)
    found += wrong_stop(pipeline.stop, path)
    if hardware is not None:
        found += wrong_placement(pipeline.place, parts.sharing.made, hardware, path)
        if parts.load.made is not None:
            found += lacking(parts.load.made, (*path, "load", pipeline.load.name))
    return Checked(found, None if found else _graph(name, pipeline, parts))


def _parts(pipeline: Pipeline, path: Path, in_study: bool) -> Parts:
    def use(what: Use, wanted: type[Kind], *keys: str) -> Found[Kind]:
        return find_use(what, wanted, pipeline.resources, (*path, *keys))

    # mypy wants concrete classes for `type[...]`; these are only compared with
    return Parts(
        data=use(pipeline.data, DataSource, "data"),  # type: ignore[type-abstract]
        load=find_load(pipeline.load, (*path, "load"), in_study),
        sharing=_sharing(pipeline, path),
        resources={
            name: use(what, Resource, "resources", name)  # type: ignore[type-abstract]
            for name, what in pipeline.resources.items()
        },
        stages={
            name: use(what, Stage, "stages", name)  # type: ignore[type-abstract]
            for name, what in pipeline.stages.items()
        },
    )


def _sharing(pipeline: Pipeline, path: Path) -> Found[PlacementMethod]:
    if pipeline.place.sharing is None:
        return Found()
    at = (*path, "place", "sharing")
    method = PlacementMethod
    return find_choice(pipeline.place.sharing, "placements", method, at)  # type: ignore[type-abstract]


def _graph_problems(pipeline: Pipeline, parts: Parts, path: Path) -> Iterator[Problem]:
    """Mistakes in the edges; what only follows from another mistake is left out."""
    yield from reserved(pipeline, path)
    edges = [*dangling(pipeline, path), *twice(pipeline, path)]
    yield from edges
    if not edges:
        yield from unreachable(pipeline, path)
    yield from endless(pipeline, path)
    yield from wrong_bounds(pipeline, path)
    joins = list(wrong_joins(pipeline, path))
    yield from joins or (() if edges else impossible_joins(pipeline, path))
    for name, stage in parts.stages.items():
        if stage.made is not None:
            yield from wrong_routes(pipeline.stages[name], stage.made, (*path, "stages", name))
    known = {name: one.made or one.kind for name, one in parts.stages.items()}
    classes = {name: stage for name, stage in known.items() if stage is not None}
    yield from misfits(pipeline, parts.data.made or parts.data.kind, classes, path)


def _graph(name: str, pipeline: Pipeline, parts: Parts) -> Graph:
    stages = {key: one.made for key, one in parts.stages.items() if one.made is not None}
    resources = {key: one.made for key, one in parts.resources.items() if one.made is not None}
    assert parts.data.made is not None
    assert parts.load.made is not None
    return Graph(
        name=name,
        spec=pipeline,
        nodes=nodes_of(pipeline.stages, stages),
        entry=list(pipeline.stages).index(pipeline.first),
        data=parts.data.made,
        resources=resources,
        load=parts.load.made,
    )
