"""Whatever graph somebody writes: it is told what is wrong with it, or every branch ends."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbench.check import Graph, Hardware, problems, resolve
from mlbench.check.graph import Edges
from mlbench.spec import Benchmark

pytestmark = pytest.mark.unit

SMALL = Hardware(gpu_count=lambda: 0, processors=lambda: frozenset({0}))
NAMES = ["a", "b", "c", "d", "e"]


@st.composite
def graph(draw: st.DrawFn) -> Benchmark:
    """A chain with more edges: forth and back, out of bounds, into joins, and to nowhere."""
    names = NAMES[: draw(st.integers(2, 5))]
    stages = {
        name: draw(stage(after, names))
        for name, after in zip(names, [*names[1:], None], strict=True)
    }
    for name, spec in stages.items():
        before = [other for other, one in stages.items() if name in _targets(one["to"])]
        if len(before) > 1 and draw(st.booleans()):
            spec["join"] = before[draw(st.sampled_from([0, 0, 0, 1])) :]
    pipeline = {"data": {"uses": "synthetic.items"}, "stages": stages}
    return Benchmark.model_validate({"name": "any", "pipelines": {"p": pipeline}})


@st.composite
def stage(draw: st.DrawFn, after: str | None, names: list[str]) -> dict[str, Any]:
    other = draw(st.sampled_from([*names, "nowhere"] if draw(st.integers(0, 9)) == 9 else names))
    forth = [after] if after else []
    to = draw(st.sampled_from([after, after, [*forth, other], {"x": after or other, "y": other}]))
    spec: dict[str, Any] = {"uses": "synthetic.noop", "to": to}
    if isinstance(to, dict):
        spec |= {"uses": "synthetic.route", "with": {"cycle": ["x", "y"]}}
    if draw(st.integers(0, 2)) == 2:
        spec |= {"max_visits": draw(st.integers(1, 3)), "then": draw(st.sampled_from(names))}
    return spec


def _targets(to: Any) -> tuple[str, ...]:
    return (
        (to,) if isinstance(to, str) else tuple(to.values() if isinstance(to, dict) else to or ())
    )


@settings(max_examples=300, deadline=None, derandomize=True)
@given(graph(), st.randoms(use_true_random=False))
def test_it_has_problems_or_ends(bench, random):
    found = problems(bench, SMALL)
    for problem in found:
        assert problem.path[:2] == ("pipelines", "p")
        assert str(problem)
    if not found:
        assert steps_of_a_branch(resolve(bench, SMALL)["p"], random) <= 200


def steps_of_a_branch(graph: Graph, random: Random) -> int:
    """How many stages one branch visits when each choice is random."""
    here, visits, steps = graph.nodes[graph.entry], dict.fromkeys(NAMES, 0), 0
    while steps <= 200:
        if here.then is not None and visits[here.name] == here.spec.max_visits:
            here = graph.nodes[here.then]
            continue
        visits[here.name] += 1
        steps += 1
        if here.edges is Edges.NONE:
            break
        targets = here.targets or tuple(here.routes.values())
        here = graph.nodes[random.choice(targets)]
    return steps
