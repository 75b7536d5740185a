"""Random graphs of stages that `check` takes: chains, fans, joins, routers and bounded loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import strategies as st

__all__ = ["Plan", "entry_first"]

NOOP = {"uses": "synthetic.noop"}


@dataclass
class Plan:
    """A graph that grows block by block; each block has one way in and one way out.

    Parameters
    ----------
    reordered
        Whether stages have several workers, small queues and batches where they may.
    """

    draw: Callable[[Any], Any]
    reordered: bool
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    names: Any = field(default_factory=count)

    def stage(self, kind: str, **spec: Any) -> str:
        """A new stage; returns its name."""
        name = f"{kind}{next(self.names)}"
        self.stages[name] = NOOP | spec
        if self.reordered:
            self.stages[name] |= {"workers": self.draw(st.integers(1, 3)), "queue": 1}
        return name

    def block(self, depth: int, to: str, looping: bool) -> str:
        """Something in front of ``to``; returns the stage that one enters it by."""
        kinds = ["noop", "fail", "noop"]
        kinds += ["diamond", "fan", "route", "leak"] * (depth > 0)
        kinds += ["loop", "fan_loop"] * (depth > 0 and not looping)
        return getattr(self, f"_{self.draw(st.sampled_from(kinds))}")(depth, to, looping)

    def chain(self, depth: int, to: str, looping: bool) -> str:
        """One to three blocks, one after the other."""
        for _ in range(self.draw(st.integers(1, 2 if depth else 1))):
            to = self.block(depth, to, looping)
        return to

    def _noop(self, depth: int, to: str, looping: bool) -> str:
        return self.stage("noop", to=to)

    def _fail(self, depth: int, to: str, looping: bool) -> str:
        options = {"every": self.draw(st.integers(3, 20))}
        return self.stage("fail", uses="synthetic.fail", to=to, **{"with": options})

    def _diamond(self, depth: int, to: str, looping: bool) -> str:
        """A fan-out and its join."""
        join = self.stage("join", to=to)
        sources = [self.stage("side", to=join) for _ in range(self.draw(st.integers(2, 3)))]
        self.stages[join]["join"] = self.draw(st.permutations(sources))
        return self.stage("fork", to=[self.chain(depth - 1, side, looping) for side in sources])

    def _fan(self, depth: int, to: str, looping: bool) -> str:
        """A fan-out whose branches merge, or end beside."""
        if looping:  # branches that merge in a loop multiply
            sink = self.stage("sink")
            return self.stage("fan", to=[to, self.chain(depth - 1, sink, looping)])
        ways = [self.chain(depth - 1, to, looping) for _ in range(2)]
        return self.stage("fan", to=ways)

    def _router(self, to: list[str]) -> str:
        ways = {chr(ord("x") + index): way for index, way in enumerate(to)}
        weights = {name: self.draw(st.integers(1, 3)) for name in ways}
        return self.stage(
            "route", uses="synthetic.route", to=ways, **{"with": {"weights": weights}}
        )

    def _route(self, depth: int, to: str, looping: bool) -> str:
        return self._router([self.chain(depth - 1, to, looping) for _ in range(2)])

    def _leak(self, depth: int, to: str, looping: bool) -> str:
        """A router that leads away to a sink; where a join waits, that is the query's end."""
        return self._router([to, to, self.stage("sink")])

    def _loop(self, depth: int, to: str, looping: bool) -> str:
        """A bounded stage, something, and a router back."""
        bound = self.draw(st.integers(1, 3))
        head = self.stage("head", max_visits=bound, then=to)
        back = self._router([head, to])
        self.stages[head]["to"] = self.chain(depth - 1, back, True)
        return head

    def _fan_loop(self, depth: int, to: str, looping: bool) -> str:
        """Two branches that go round one loop, each on its own account."""
        head = self._loop(depth, to, looping)
        return self.stage("fan", to=[self.stage("side", to=head), self.stage("side", to=head)])


def entry_first(stages: dict[str, Any], entry: str) -> dict[str, Any]:
    """The stages in an order that has them entered by ``entry``."""
    return {entry: stages[entry], **stages}
