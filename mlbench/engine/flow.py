"""How a query goes through a graph: what both executors share, so that they agree.

A *branch* is a thread of a query through the graph. What it carries besides its payload:

``visits``
    How often its lineage has been to each stage of a cycle, a tuple by `Step.cycle`.
``frames``
    The fan-outs that it is inside of, innermost first: ``(fan_out, instance, outer)``.
    Branches of one instance meet again in a join, whatever the order they arrive in.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from mlbench.check.graph import Edges, Graph
from mlbench.engine.rows import code_of
from mlbench.errors import JoinError, RouteError, nearest
from mlbench.interfaces.stage import Payload, Route

__all__ = ["Branch", "Joins", "Step", "arrive", "initial_visits", "routed", "steps_of"]

Visits = tuple[int, ...]
Frames = Any
"""``None`` outside of every fan-out, else ``(fan_out, instance, outer frames)``."""

Call = Callable[[Payload], Payload]

SINK, ONE, FAN, ROUTE = range(4)
_KINDS = {Edges.NONE: SINK, Edges.ONE: ONE, Edges.FAN: FAN, Edges.ROUTE: ROUTE}


class Step:
    """A node of the graph as the executors run it: its call, and its successors as objects.

    Plain attributes in slots, because the executors read them for every span.
    """

    __slots__ = (
        "call",
        "code",
        "cycle",
        "fan_outs",
        "index",
        "joins",
        "kind",
        "max_visits",
        "name",
        "next",
        "routes",
        "special",
        "targets",
        "then",
        "tracked",
    )

    def __init__(self, index: int, name: str, call: Call) -> None:
        self.index = index
        self.code = code_of(index)
        self.name = name
        self.call = call
        self.kind = SINK
        self.next: Step = self
        self.targets: tuple[Step, ...] = ()
        self.routes: dict[str, tuple[int, Step]] = {}
        self.joins: tuple[Step, ...] = ()
        self.fan_outs: frozenset[int] = frozenset()
        self.cycle = -1
        self.max_visits = 0
        self.then: Step = self
        self.special = False
        self.tracked = False


def steps_of(
    graph: Graph, calls: list[Call], tracked: list[bool], route_names: list[str]
) -> list[Step]:
    """The steps of a graph, linked, in the order of its nodes."""
    steps = [Step(node.index, node.name, calls[node.index]) for node in graph.nodes]
    cycles = count()
    for node, step in zip(graph.nodes, steps, strict=True):
        step.kind = _KINDS[node.edges]
        step.targets = tuple(steps[target] for target in node.targets)
        if step.kind == ONE:
            step.next = step.targets[0]
        step.routes = {
            name: (route_names.index(name), steps[target]) for name, target in node.routes.items()
        }
        step.joins = tuple(steps[source] for source in node.join)
        step.fan_outs = frozenset(node.fan_outs)
        step.cycle = next(cycles) if node.cyclic else -1
        step.max_visits = node.spec.max_visits or 0
        step.then = step if node.then is None else steps[node.then]
        step.special = node.cyclic or bool(node.join)
        step.tracked = tracked[node.index]
    return steps


class Branch:
    """A thread of a query that has come to a step.

    It is passed on along an edge with one successor, and a new one is made for each branch
    of a fan-out and for what a join makes of several.

    Parameters
    ----------
    source
        The stage whose edge it came by.
    parent, ready
        The span that it follows, and when that one ended, in ns.
    id
        Of the branch in its query, 0 for the first.
    flight
        In pipelined execution, the query that it belongs to.
    """

    __slots__ = (
        "flight",
        "frames",
        "id",
        "number",
        "others",
        "parent",
        "payload",
        "ready",
        "source",
        "step",
        "visits",
    )

    def __init__(
        self,
        step: Step,
        payload: Payload,
        source: Step | None,
        parent: int,
        ready: int,
        id: int,  # noqa: A002  (the vocabulary's word)
        visits: Visits,
        frames: Frames,
        flight: Any = None,  # Any: the pipelined executor's
    ) -> None:
        self.step = step
        self.payload = payload
        self.source = source
        self.parent = parent
        self.ready = ready
        self.id = id
        self.visits = visits
        self.frames = frames
        self.flight = flight
        self.number = 1
        self.others: tuple[int, ...] = ()


class Joins:
    """The branches of one query that wait for others, and its counters of ids."""

    __slots__ = ("branches", "instances", "joined", "waiting")

    def __init__(self) -> None:
        self.branches = count(1)
        self.instances = count()
        self.joined: set[tuple[int, int]] = set()
        self.waiting: dict[tuple[int, int], dict[int, Branch]] = {}

    def fan(self, step: Step, source: Branch, result: Payload, span: int, end: int) -> list[Branch]:
        """One branch for each successor, in declared order; they share the payload."""
        frames = (step.index, next(self.instances), source.frames)
        rest = (source.visits, frames, source.flight)
        return [
            Branch(target, result, step, span, end, next(self.branches), *rest)
            for target in step.targets
        ]

    def meet(self, arrival: Branch) -> Branch | None:
        """Let a branch come to a join; returns the joined branch when it was the last.

        Raises
        ------
        JoinError
            If it comes from outside of the fan-out, or as a second one from its stage.
        """
        step, source = arrival.step, arrival.source
        instance, outer = _instance(arrival)
        here = (step.index, instance)
        waiting = self.waiting.setdefault(here, {})
        assert source is not None  # a join is never the entry: `check` sees to it
        if source.index in waiting or here in self.joined:
            raise JoinError(f"the join {step.name!r} got two branches from {source.name!r}")
        waiting[source.index] = arrival
        if len(waiting) < len(step.joins):
            return None
        del self.waiting[here]
        self.joined.add(here)  # once for an instance, whatever the order they arrive in
        return self._merge(step, waiting, outer)

    def _merge(self, step: Step, waiting: dict[int, Branch], outer: Frames) -> Branch:
        last_first = sorted(waiting.values(), key=lambda each: each.ready, reverse=True)
        last = last_first[0]
        joined = Branch(
            step=step,
            payload={source.name: waiting[source.index].payload for source in step.joins},
            source=last.source,
            parent=last.parent,
            ready=last.ready,
            id=next(self.branches),
            visits=tuple(map(max, zip(*(each.visits for each in last_first), strict=True))),
            frames=outer,
            flight=last.flight,
        )
        further = (p for each in last_first[1:] for p in (each.parent, *each.others))
        joined.others = (*last.others, *further)
        return joined

    def unfinished(self, steps: list[Step]) -> str:
        """What is wrong when no branch is live and a join still waits."""
        (index, _), waiting = next(iter(self.waiting.items()))
        step = steps[index]
        came = [source.name for source in step.joins if source.index in waiting]
        missing = [source.name for source in step.joins if source.index not in waiting]
        return (
            f"JoinError: the join {step.name!r} got a branch from {', '.join(came)} but none "
            f"from {', '.join(missing)}: it was routed away"
        )


def _instance(arrival: Branch) -> tuple[int, Frames]:
    """The instance of the join's fan-out that the branch is inside of, and what is outside."""
    frames = arrival.frames
    while frames is not None:
        fan_out, instance, outer = frames
        if fan_out in arrival.step.fan_outs:
            return instance, outer
        frames = outer
    raise JoinError(
        f"a branch came to the join {arrival.step.name!r} that is inside of no instance of its "
        "fan-out: it had been joined before"
    )


def arrive(arrival: Branch, joins: Joins) -> Branch | None:
    """Apply what stands at the door of a step: bounds on visits, and joins.

    Null where the branch waits in a join for others.
    """
    while True:
        step = arrival.step
        if step.joins:
            joined = joins.meet(arrival)
            if joined is None:
                return None
            arrival = joined
        if step.cycle < 0:
            arrival.number = 1
            return arrival
        number = arrival.visits[step.cycle] + 1
        if not step.max_visits or number <= step.max_visits:
            arrival.number = number
            visits = arrival.visits
            arrival.visits = (*visits[: step.cycle], number, *visits[step.cycle + 1 :])
            return arrival
        arrival.step, arrival.source = step.then, step
        if not step.then.special:
            arrival.number = 1
            return arrival


def routed(step: Step, result: Payload) -> tuple[int, Step, Payload]:
    """Where a router sends its payload: the code of the output, the next step, the payload.

    Raises
    ------
    RouteError
        If the stage returned no `Route`, or named an output that the spec does not have.
    """
    if type(result) is not Route:
        raise RouteError(
            f"the router {step.name!r} returned {type(result).__name__}; "
            "a router returns mlbench.Route(name, payload)"
        )
    target = step.routes.get(result.name)
    if target is None:
        hint = nearest(str(result.name), step.routes)
        raise RouteError(
            f"the router {step.name!r} chose {result.name!r}, which is none of its outputs ({hint})"
        )
    return target[0], target[1], result.payload


def initial_visits(steps: list[Step]) -> Visits:
    """No visit yet, for every stage of a cycle."""
    return (0,) * sum(step.cycle >= 0 for step in steps)
