"""Cycles: every one ends, because a stage in it bounds its visits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlbench.check.graph import is_cyclic, reachable
from mlbench.check.structure import edges_with_paths
from mlbench.errors import Path, Problem
from mlbench.spec import Pipeline, StageSpec

__all__ = ["endless", "wrong_bounds"]


def endless(pipeline: Pipeline, path: Path) -> Iterator[Problem]:
    """Cycles in which no stage has ``max_visits``, the shortest through each stage."""
    edges = _unbounded_edges(pipeline.stages)
    for name in list(edges):
        cycle = _shortest_cycle(edges, name)
        if cycle is None:
            continue
        yield Problem(
            (*path, "stages", name),
            f"the cycle {' -> '.join(cycle)} never ends",
            "give one of its stages max_visits and then",
        )
        for member in cycle:
            edges.pop(member, None)


def _unbounded_edges(stages: Mapping[str, StageSpec]) -> dict[str, tuple[str, ...]]:
    """The successors of each stage that could be in an endless cycle."""
    edges = {
        name: tuple(target for _, target in edges_with_paths(spec, ()))
        for name, spec in stages.items()
        if spec.max_visits is None
    }
    while True:  # a stage without a predecessor, or without a successor, is in no cycle
        entered = {target for targets in edges.values() for target in targets}
        kept = {
            name: tuple(target for target in targets if target in edges)
            for name, targets in edges.items()
            if name in entered and any(target in edges for target in targets)
        }
        if kept == edges:
            return edges
        edges = kept


def _shortest_cycle(edges: Mapping[str, tuple[str, ...]], start: str) -> list[str] | None:
    """The stages from ``start`` back to itself; null if no path leads back."""
    came_from: dict[str, str] = {}
    frontier = [start] if start in edges else []
    for here in frontier:
        for target in edges[here]:
            if target not in edges or target in came_from:
                continue
            came_from[target] = here
            if target == start:
                return _walk_back(came_from, start)
            frontier.append(target)
    return None


def _walk_back(came_from: Mapping[str, str], start: str) -> list[str]:
    cycle = [start, came_from[start]]
    while cycle[-1] != start:
        cycle.append(came_from[cycle[-1]])
    return cycle[::-1]


def wrong_bounds(pipeline: Pipeline, path: Path) -> Iterator[Problem]:
    """``max_visits`` and ``then`` that stand alone, bound nothing, or do not lead out."""
    for name, spec in pipeline.stages.items():
        at = (*path, "stages", name)
        if spec.max_visits is not None and spec.then is None:
            yield Problem(
                (*at, "max_visits"), "needs then: the stage that a branch goes to after the last"
            )
        if spec.then is not None and spec.max_visits is None:
            yield Problem((*at, "then"), "needs max_visits: the visits after which it is taken")
        elif spec.then is not None and _leads_back(pipeline, spec.then, name):
            yield _stays(pipeline, name, spec.then, (*at, "then"))
        elif spec.max_visits is not None and not is_cyclic(pipeline.stages, name):
            yield Problem((*at, "max_visits"), f"no cycle leads back to {name!r}")


def _leads_back(pipeline: Pipeline, start: str, name: str) -> bool:
    return start in pipeline.stages and name in reachable(pipeline.stages, start)


def _stays(pipeline: Pipeline, name: str, then: str, path: Path) -> Problem:
    outside = [other for other in pipeline.stages if not _leads_back(pipeline, other, name)]
    hint = f"outside of it: {', '.join(outside[:8])}" if outside else ""
    return Problem(path, f"{then!r} leads back to {name!r}; then must leave the cycle", hint)
