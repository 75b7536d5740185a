"""Whatever valid graph runs: both executors do the same, and account for every query once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import NOOP, Ran, query, run

from mlbench.records import Outcome

pytestmark = pytest.mark.unit

QUERIES = 12


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


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same graph twice: as it is for serial execution, and with what pipelined may add."""
    plan = Plan(draw, reordered=draw(st.booleans()))
    end = plan.stage("sink")
    entry = plan.chain(3, end, False)
    serial = {
        name: {key: value for key, value in spec.items() if key not in ("workers", "queue")}
        for name, spec in plan.stages.items()
    }
    return _entry_first(serial, entry), _entry_first(plan.stages, entry)


def _entry_first(stages: dict[str, Any], entry: str) -> dict[str, Any]:
    return {entry: stages[entry], **stages}


def visits(ran: Ran, queries: set[int]) -> Counter[tuple[Any, ...]]:
    """Who was where, how often, and what came of it."""
    return Counter(
        (s.query, s.stage, s.visit, s.outcome, s.route) for s in ran.spans if s.query in queries
    )


def outputs(ran: Ran, queries: set[int]) -> Counter[tuple[int, str, str]]:
    """What each sink gave."""
    rows = (row for row in ran.outputs if row["query"] in queries)
    return Counter((row["query"], row["sink"], str(row["output"])) for row in rows)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(graphs())
def test_both_executors_do_the_same(graph):
    serial, pipelined = (
        run(stages, QUERIES, execution)
        for stages, execution in zip(graph, ("serial", "pipelined"), strict=True)
    )
    for ran in (serial, pipelined):
        assert sorted(each.query for each in ran.completions) == list(range(QUERIES))
        ids = [span.span for span in ran.spans]
        assert sorted(ids) == list(range(len(ids)))
    assert serial.outcomes == pipelined.outcomes
    done = {number for number in range(QUERIES) if serial.outcomes[number] is Outcome.DONE}
    assert visits(serial, done) == visits(pipelined, done)
    assert outputs(serial, done) == outputs(pipelined, done)
    for number in set(range(QUERIES)) - done:  # the other branches end where they are
        assert serial.ended(number).error is not None
        assert pipelined.ended(number).error is not None


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(graphs(), st.integers(0, QUERIES - 1))
def test_a_query_does_the_same_alone_and_among_others(graph, number):
    stages, _ = graph
    among, alone = run(stages, QUERIES), run(stages, [query(number)])
    assert visits(alone, {number}) == visits(among, {number})
    assert outputs(alone, {number}) == outputs(among, {number})
    assert alone.ended(number).error == among.ended(number).error
