"""The shape of a graph: edges that lead somewhere, stages that can be reached."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from mlbench.check.graph import reachable
from mlbench.errors import Path, Problem, nearest
from mlbench.spec import Pipeline, StageSpec

__all__ = ["dangling", "predecessors", "reserved", "twice", "unreachable"]


def dangling(pipeline: Pipeline, path: Path) -> Iterator[Problem]:
    """Edges, joins and an entry that name no stage."""
    named = [((*path, "entry"), pipeline.entry)] if pipeline.entry is not None else []
    for name, spec in pipeline.stages.items():
        named += _named_by(spec, (*path, "stages", name))
    for at, target in named:
        if target not in pipeline.stages:
            yield Problem(at, f"no stage is called {target!r}", nearest(target, pipeline.stages))


def _named_by(spec: StageSpec, path: Path) -> list[tuple[Path, str]]:
    """Every stage that a stage names, with the path where it does."""
    found = [(at, target) for at, target in edges_with_paths(spec, path)]
    found += [((*path, "join", i), source) for i, source in enumerate(spec.join)]
    if spec.then is not None:
        found.append(((*path, "then"), spec.then))
    return found


def edges_with_paths(spec: StageSpec, path: Path) -> Iterator[tuple[Path, str]]:
    """The successors that ``to`` names, with the path of each."""
    if isinstance(spec.to, str):
        yield (*path, "to"), spec.to
    elif isinstance(spec.to, dict):
        yield from (((*path, "to", output), target) for output, target in spec.to.items())
    else:
        yield from (((*path, "to", i), target) for i, target in enumerate(spec.to or ()))


def twice(pipeline: Pipeline, path: Path) -> Iterator[Problem]:
    """Stages that a fan-out or a join names a second time."""
    for name, spec in pipeline.stages.items():
        at = (*path, "stages", name)
        if isinstance(spec.to, tuple):
            yield from _repeated(spec.to, (*at, "to"), "the fan-out")
        yield from _repeated(spec.join, (*at, "join"), "the join")


def _repeated(names: Sequence[str], path: Path, what: str) -> Iterator[Problem]:
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Problem((*path, i), f"{what} names {name!r} twice")


def unreachable(pipeline: Pipeline, path: Path) -> Iterator[Problem]:
    """Stages that no path leads to from the entry; of those behind one another, the first."""
    reached = set(reachable(pipeline.stages, pipeline.first))
    lost = [name for name in pipeline.stages if name not in reached]
    heads = [name for name in lost if not set(predecessors(pipeline, name)) & {*lost} - {name}]
    told: set[str] = set()
    for name in (*heads, *lost):  # a cycle has no head: its first stage in the spec is told
        if name not in told:
            told |= set(reachable(pipeline.stages, name))
            message = f"no path leads here from the entry {pipeline.first!r}"
            yield Problem((*path, "stages", name), message, _edge_to(pipeline, name, reached))


def _edge_to(pipeline: Pipeline, name: str, reached: Collection[str]) -> str:
    """The edge that is missing: from the stage in front of it, if that one can have it."""
    names = list(pipeline.stages)
    before = [other for other in names[: names.index(name)] if other in reached]
    if not before:
        return f"write entry: {name}, or to: {name} in a stage before it"
    to = pipeline.stages[before[-1]].to
    if to is None:
        return f"write to: {name} in {before[-1]!r}"
    if isinstance(to, dict):
        return f"write to: {name} in the stage before it"
    both = ", ".join([to] if isinstance(to, str) else to)
    fan_out = f"to: [{both}, {name}] in {before[-1]!r} goes to both"
    return f"write to: {name} in the stage before it; {fan_out}"


def reserved(pipeline: Pipeline, path: Path) -> Iterator[Problem]:
    """Names that a run directory uses for something else."""
    if path[-1] in (".", ".."):
        yield Problem(path, "a pipeline needs a name that a folder can have")
    if "data" in pipeline.stages:
        message = "'data' is the span that fetches an item; a stage needs another name"
        yield Problem((*path, "stages", "data"), message)


def predecessors(pipeline: Pipeline, name: str) -> list[str]:
    """The stages with an edge to the stage, ``then`` included, in the order of the spec."""
    return [other for other, spec in pipeline.stages.items() if name in spec.successors]
