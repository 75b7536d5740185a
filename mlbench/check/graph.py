"""The resolved graph of a pipeline: nodes with their edges as indices, ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from mlbench.interfaces.load import LoadModel
from mlbench.interfaces.stage import DataSource, Resource, Stage
from mlbench.spec import Pipeline, StageSpec

__all__ = ["Edges", "Graph", "Node", "fan_outs_of"]


class Edges(Enum):
    """What leaves a stage."""

    NONE = "sink"
    ONE = "one successor"
    FAN = "fan-out"
    ROUTE = "router"


@dataclass(frozen=True)
class Node:
    """One stage of a graph.

    Parameters
    ----------
    index, name
        Its place in `Graph.nodes`, and its name in the spec.
    stage
        The configured stage.
    spec
        Bounds and batching, as the spec says.
    edges, targets, routes
        What leaves it: successors by index, and for a router the successor of each output.
    join
        The stages whose branches it joins, by index; empty for a merge.
    fan_outs
        Of a join: the fan-outs of whose instances its branches may be, by index; the
        innermost one that a branch is inside of is its instance.
    then
        Where a branch goes instead of visit ``max_visits + 1``, by index.
    cyclic
        Whether a branch can come back to it.
    """

    index: int
    name: str
    stage: Stage
    spec: StageSpec
    edges: Edges
    targets: tuple[int, ...]
    routes: Mapping[str, int]
    join: tuple[int, ...]
    fan_outs: tuple[int, ...]
    then: int | None
    cyclic: bool


@dataclass(frozen=True)
class Graph:
    """A pipeline whose names are resolved and whose graph is valid.

    Parameters
    ----------
    name, spec
        As in the benchmark.
    nodes
        The stages, in the order of the spec.
    entry
        Index of the stage that a query enters by.
    data, resources, load
        Configured, not yet opened.
    """

    name: str
    spec: Pipeline
    nodes: tuple[Node, ...]
    entry: int
    data: DataSource
    resources: Mapping[str, Resource]
    load: LoadModel


def edges_of(spec: StageSpec) -> Edges:
    """The kind of edges that leave a stage."""
    if spec.to is None:
        return Edges.NONE
    if isinstance(spec.to, str):
        return Edges.ONE
    return Edges.ROUTE if isinstance(spec.to, dict) else Edges.FAN


def reachable(
    stages: Mapping[str, StageSpec], start: str, without: str | None = None
) -> dict[str, int]:
    """Distance in edges from ``start`` to each stage that it leads to, itself included.

    ``without`` is entered but not left: paths do not go on through it.
    """
    distance = {start: 0}
    frontier = [start]
    for here in frontier:
        if here == without and here != start:
            continue
        for target in stages[here].successors:
            if target in stages and target not in distance:
                distance[target] = distance[here] + 1
                frontier.append(target)
    return distance


def fan_outs_of(stages: Mapping[str, StageSpec], join: str) -> tuple[str, ...]:
    """The fan-outs that can send a branch of its own to each stage that ``join`` waits for.

    The nearest first; a router in front may choose between several. None: then the join can
    never complete.
    """
    found: list[tuple[int, str]] = []
    for name, spec in stages.items():
        if edges_of(spec) is not Edges.FAN:
            continue
        reach = [_sources_reached(stages, name, target, join) for target in spec.to or ()]
        sources = stages[join].join
        if _distinct(sources, reach):
            far = max(min(r[source] for r in reach if source in r) for source in sources)
            found.append((far, name))
    return tuple(name for _, name in sorted(found, key=lambda each: each[0]))


def _sources_reached(
    stages: Mapping[str, StageSpec], fan_out: str, target: str, join: str
) -> dict[str, int]:
    """The stages that a branch can come to the join from; an edge of the fan-out may be one."""
    if target == join:
        return {fan_out: 0}
    return reachable(stages, target, without=join)


def _distinct(sources: tuple[str, ...], reach: list[dict[str, int]]) -> bool:
    """Whether each source can get a branch that no other source takes (a matching)."""
    taken: dict[int, str] = {}

    def place(source: str, tried: set[int]) -> bool:
        for branch, distances in enumerate(reach):
            if source in distances and branch not in tried:
                tried.add(branch)
                if branch not in taken or place(taken[branch], tried):
                    taken[branch] = source
                    return True
        return False

    return all(place(source, set()) for source in sources)


def nodes_of(stages: Mapping[str, StageSpec], opened: Mapping[str, Stage]) -> tuple[Node, ...]:
    """The nodes of a graph that `check` has found valid."""
    index = {name: i for i, name in enumerate(stages)}
    return tuple(_node(stages, opened[name], name, index) for name in stages)


def _node(
    stages: Mapping[str, StageSpec], stage: Stage, name: str, index: Mapping[str, int]
) -> Node:
    spec = stages[name]
    fan_outs = fan_outs_of(stages, name) if spec.join else ()
    routes = spec.to if isinstance(spec.to, dict) else {}
    direct = (spec.to,) if isinstance(spec.to, str) else spec.to or ()
    return Node(
        index=index[name],
        name=name,
        stage=stage,
        spec=spec,
        edges=edges_of(spec),
        targets=() if routes else tuple(index[target] for target in direct),
        routes={output: index[target] for output, target in routes.items()},
        join=tuple(index[source] for source in spec.join),
        fan_outs=tuple(index[fan_out] for fan_out in fan_outs),
        then=None if spec.then is None else index[spec.then],
        cyclic=is_cyclic(stages, name),
    )


def is_cyclic(stages: Mapping[str, StageSpec], name: str) -> bool:
    """Whether an edge leads from the stage back to itself, over any number of others."""
    return any(
        name in reachable(stages, target) for target in stages[name].successors if target in stages
    )
