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

name = st.sampled_from(NAMES)
known = st.sampled_from([*NAMES, "nowhere"])


@st.composite
def stage(draw: st.DrawFn) -> dict[str, Any]:
    """A stage with any edges; a router more often than not has the outputs that it needs."""
    to = draw(
        st.one_of(
            st.none(),
            name,
            st.lists(known, min_size=1, max_size=3),
            st.fixed_dictionaries({"x": name, "y": name}),
        )
    )
    spec: dict[str, Any] = {"uses": "synthetic.noop", "to": to}
    if isinstance(to, dict):
        spec |= {"uses": "synthetic.route", "with": {"cycle": ["x", "y"]}}
    if draw(st.booleans()):
        spec |= {"max_visits": draw(st.integers(1, 3)), "then": draw(name)}
    return spec


@st.composite
def graph(draw: st.DrawFn) -> Benchmark:
    stages = {key: draw(stage()) for key in NAMES[: draw(st.integers(1, 5))]}
    for key, spec in stages.items():
        if draw(st.integers(0, 3)) == 0:
            before = [other for other, one in stages.items() if key in (one["to"] or ())]
            spec["join"] = draw(st.sampled_from([before, [*before, "a"]]))
    pipeline = {"data": {"uses": "synthetic.items"}, "stages": stages}
    return Benchmark.model_validate({"name": "any", "pipelines": {"p": pipeline}})


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
