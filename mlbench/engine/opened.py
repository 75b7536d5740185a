"""A pipeline with everything open: its data, resources and stages, ready to be run."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

from mlbench.check.graph import Edges, Graph, reachable
from mlbench.engine.flow import Step, steps_of
from mlbench.interfaces.stage import Context, Payload, Visit
from mlbench.seed import derive

__all__ = ["Opened", "Surroundings", "opened", "seed_everything"]


@dataclass(frozen=True)
class Surroundings:
    """What the run gives to a pipeline: its device and threads, and what choices derive from."""

    device: str
    threads: int
    seed: int
    block: int


@dataclass(frozen=True)
class Opened:
    """An open pipeline.

    Parameters
    ----------
    fetch
        Gives the payload of a query by the index of its first item.
    queries_per_pass
        How many queries go through the whole data set.
    inside_cycle
        Pairs of steps whose edge lies inside a cycle.
    route_names
        The outputs of all routers: their index is the code in ``spans``.
    """

    graph: Graph
    steps: list[Step]
    visit: Visit
    fetch: Callable[[int], Payload]
    queries_per_pass: int
    inside_cycle: frozenset[tuple[int, int]]
    route_names: list[str]
    restorers: list[Callable[[], None]]

    @property
    def entry(self) -> Step:
        """The step that a query enters by."""
        return self.steps[self.graph.entry]


@contextmanager
def opened(graph: Graph, around: Surroundings) -> Iterator[Opened]:
    """Open resources, data and stages in this order; close them in reverse."""
    visit = Visit()
    resources: dict[str, object] = {}
    restorers: list[Callable[[], None]] = []

    def context(name: str) -> Context:
        return Context(
            pipeline=graph.name, stage=name, device=around.device, threads=around.threads,
            seed=around.seed, block=around.block, resources=resources, visit=visit,
            restorers=restorers,
        )  # fmt: skip

    with ExitStack() as stack:
        shared = {name: context(name) for name in graph.resources}
        for name, resource in graph.resources.items():
            resources[name] = stack.enter_context(resource.open(shared[name]))
        shared["data"] = context("data")
        data = stack.enter_context(graph.data.open(shared["data"]))
        contexts = [context(node.name) for node in graph.nodes]
        calls = [
            stack.enter_context(node.stage.open(each))
            for node, each in zip(graph.nodes, contexts, strict=True)
        ]
        calls = _on_device(graph, calls, around.device, visit)
        routes = list(dict.fromkeys(name for node in graph.nodes for name in node.routes))
        timed = around.device.startswith("cuda")
        asked = timed or any(each.tracked for each in shared.values())  # any stage may use these
        steps = steps_of(graph, calls, [asked or each.tracked for each in contexts], routes)
        fetch, queries = _fetching(data, graph.spec.data.items_per_query, graph.name)
        yield Opened(graph, steps, visit, fetch, queries, _inside_cycle(graph), routes, restorers)


def _on_device(
    graph: Graph, calls: list[Callable[[Payload], Payload]], device: str, visit: Visit
) -> list[Callable[[Payload], Payload]]:
    """The calls, timed by stream events where the pipeline is placed on a GPU."""
    if not device.startswith("cuda"):
        return calls
    from mlbench.engine.device import on_device

    waits = [node.spec.sync or node.edges is Edges.NONE for node in graph.nodes]
    return [on_device(call, device, wait, visit) for call, wait in zip(calls, waits, strict=True)]


def _fetching(
    data: Sequence[Payload], items_per_query: int, pipeline: str
) -> tuple[Callable[[int], Payload], int]:
    """How to get the payload of a query, and how many queries one pass over the data makes."""
    size = len(data)
    if not size:
        raise ValueError(f"the data set of the pipeline {pipeline!r} is empty")
    if items_per_query == 1:
        return data.__getitem__, size

    def static_batch(first: int) -> list[Payload]:
        return [data[(first + offset) % size] for offset in range(items_per_query)]

    return static_batch, -(-size // items_per_query)


def _inside_cycle(graph: Graph) -> frozenset[tuple[int, int]]:
    """Edges, ``then`` included, that lie inside a cycle: their end leads back to their begin."""
    stages = graph.spec.stages
    index = {node.name: node.index for node in graph.nodes}
    leads_to = {name: reachable(stages, name) for name in stages}
    return frozenset(
        (index[source], index[target])
        for source in stages
        for target in leads_to[source]
        if source in leads_to[target] and (source != target or source in stages[source].successors)
    )


def seed_everything(around: Surroundings, pipeline: str, phase: str) -> None:
    """Seed Python's, NumPy's and torch's global generators, as far as they are imported."""
    seed = derive(around.seed, "process", pipeline, around.block, phase)
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)
    if torch := sys.modules.get("torch"):
        cast("Callable[[int], object]", torch.manual_seed)(seed)
