"""Joins: each can get a branch from every stage that it waits for."""

from __future__ import annotations

from collections.abc import Iterator

from mlbench.check.graph import fan_outs_of
from mlbench.check.structure import predecessors
from mlbench.errors import Path, Problem
from mlbench.spec import Pipeline

__all__ = ["impossible_joins", "wrong_joins"]


def wrong_joins(pipeline: Pipeline, path: Path) -> Iterator[Problem]:
    """Joins whose list is not the stages with an edge to them."""
    for name, spec in pipeline.stages.items():
        if not spec.join:
            continue
        at = (*path, "stages", name, "join")
        if len(spec.join) == 1:
            yield Problem(at, "expected at least two stages", "without join, branches merge")
        if name == pipeline.first:
            yield Problem(at, f"the entry {name!r} cannot join: a query enters it as one branch")
        yield from _unlike_edges(pipeline, name, at)


def _unlike_edges(pipeline: Pipeline, name: str, path: Path) -> Iterator[Problem]:
    """Sources without an edge to the join, and edges to it that it does not list."""
    before = predecessors(pipeline, name)
    listed = pipeline.stages[name].join
    for i, source in enumerate(listed):
        if source in pipeline.stages and source not in before:
            yield Problem((*path, i), f"{source!r} has no edge to {name!r}", _edges(before))
    for other in before:
        if other not in listed:
            yield Problem(path, f"{other!r} has an edge to {name!r} but is not in the list")


def _edges(before: list[str]) -> str:
    return f"edges come from: {', '.join(before)}" if before else ""


def impossible_joins(pipeline: Pipeline, path: Path) -> Iterator[Problem]:
    """Joins that no fan-out can feed; takes a pipeline whose edges and joins are right."""
    for name, spec in pipeline.stages.items():
        if len(spec.join) < 2:
            continue
        at = (*path, "stages", name, "join")
        fan_outs = fan_outs_of(pipeline.stages, name)
        if not fan_outs:
            sources = ", ".join(spec.join)
            yield Problem(
                at,
                f"never completes: no fan-out sends a branch of its own to each of {sources}",
                "make one with to: [first, second]",
            )
        else:
            yield from _crowded(pipeline, name, fan_outs[0], at)


def _crowded(pipeline: Pipeline, join: str, fan_out: str, path: Path) -> Iterator[Problem]:
    """Two branches of one fan-out that surely come to the join from the same stage."""
    taken: dict[str, str] = {}
    for target in pipeline.stages[fan_out].to or ():
        source = _certain_source(pipeline, fan_out, target, join)
        if source in taken:
            yield Problem(
                path,
                f"always gets two branches from {source!r}: the fan-out {fan_out!r} sends one "
                f"over {taken[source]!r} and one over {target!r}",
            )
        elif source is not None:
            taken[source] = target


def _certain_source(pipeline: Pipeline, source: str, here: str, join: str) -> str | None:
    """The stage from which a branch must come to the join; null where it has a choice."""
    passed: set[str] = set()
    while here != join:
        spec = pipeline.stages[here]
        if here in passed or spec.join or spec.max_visits or not isinstance(spec.to, str):
            return None
        passed.add(here)
        source, here = here, spec.to
    return source
