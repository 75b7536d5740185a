"""Opening a pipeline: in which order, what closes when one fails, and what it then knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import pytest
from support import bench_of, items_of, rig

from mlbench.check import resolve_pipeline
from mlbench.engine.opened import Surroundings, opened, seed_everything
from mlbench.interfaces.stage import Context, DataSource, Payload, Ref, Resource, Stage

pytestmark = pytest.mark.unit

AROUND = Surroundings("cpu", 2, 7, 0)


class Trace:
    """What was opened and closed, in order."""

    def __init__(self) -> None:
        self.happened: list[str] = []

    @contextmanager
    def of(self, name: str, fails: bool = False) -> Iterator[None]:
        if fails:
            raise RuntimeError(f"{name} does not open")
        self.happened.append(f"open {name}")
        try:
            yield
        finally:
            self.happened.append(f"close {name}")


@pytest.fixture
def trace():
    return Trace()


@pytest.fixture
def graph(trace):
    """A chain of two stages with a resource; ``fails`` names what does not open."""

    def make(fails: str = "") -> object:
        class Shared(Resource):
            @contextmanager
            def open(self, context: Context) -> Iterator[object]:
                with trace.of(context.stage, fails == context.stage):
                    yield "the model"

        class Items(DataSource):
            @contextmanager
            def open(self, context: Context) -> Iterator[Sequence[Payload]]:
                with trace.of(context.stage, fails == context.stage):
                    yield range(3)

        class Uses(Stage):
            lm: Ref

            @contextmanager
            def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
                assert context.resource(self.lm) == "the model"
                with trace.of(context.stage, fails == context.stage):
                    yield lambda payload: payload

        use = {"uses": Uses, "with": {"lm": "$lm"}}
        bench = bench_of(
            {"a": {**use, "to": "b"}, "b": use}, data=Items, resources={"lm": {"uses": Shared}}
        )
        return resolve_pipeline(bench, "p")

    return make


def test_resources_open_first_then_the_data_then_the_stages_and_close_in_reverse(graph, trace):
    with opened(graph(), AROUND):
        assert trace.happened == ["open lm", "open data", "open a", "open b"]
    assert trace.happened[4:] == ["close b", "close a", "close data", "close lm"]


@pytest.mark.parametrize(
    ("fails", "were_open"),
    [("lm", []), ("data", ["lm"]), ("a", ["data", "lm"]), ("b", ["a", "data", "lm"])],
)
def test_what_was_open_is_closed_when_one_does_not_open(graph, trace, fails, were_open):
    with pytest.raises(RuntimeError, match=f"{fails} does not open"), opened(graph(fails), AROUND):
        pass
    assert [what for what in trace.happened if what.startswith("close")] == [
        f"close {name}" for name in were_open
    ]


def test_an_empty_data_set_is_told_with_the_name_of_its_pipeline():
    with (
        pytest.raises(ValueError, match=r"data set of the pipeline 'p' is empty"),
        rig({"a": {}}, data=items_of()),
    ):
        pass


@pytest.mark.parametrize(
    ("items", "per_query", "queries"), [(6, 1, 6), (6, 2, 3), (7, 2, 4), (3, 5, 1), (1, 1, 1)]
)
def test_a_pass_over_the_data_has_as_many_queries_as_it_takes(items, per_query, queries):
    data = {"uses": items_of(*range(items)), "items_per_query": per_query}
    with rig({"a": {}}, data=data) as made:
        assert made.pipeline.queries_per_pass == queries


def test_a_stage_knows_where_it_runs():
    seen = []

    class Looks(Stage):
        @contextmanager
        def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
            names = (context.pipeline, context.stage)
            seen.append((*names, context.device, context.threads, context.seed, context.block))
            yield lambda payload: payload

    graph = resolve_pipeline(bench_of({"a": {"uses": Looks}}), "p")
    with opened(graph, Surroundings("cpu", 3, 11, 2)):
        assert seen == [("p", "a", "cpu", 3, 11, 2)]


def test_route_names_are_those_of_all_routers_once_each():
    def router(*outputs: str, to: str) -> dict[str, object]:
        options = {"cycle": list(outputs)}
        return {"uses": "synthetic.route", "with": options, "to": dict.fromkeys(outputs, to)}

    with rig({"r": router("x", "y", to="s"), "s": router("y", "z", to="t"), "t": {}}) as made:
        assert made.pipeline.route_names == ["x", "y", "z"]


def test_what_a_stage_puts_back_after_the_warm_up_is_kept():
    class Trains(Stage):
        @contextmanager
        def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
            context.after_warmup(lambda: None)
            yield lambda payload: payload

    with rig({"a": {"uses": Trains, "to": "b"}, "b": {"uses": Trains}}) as made:
        assert len(made.pipeline.restorers) == 2


def test_the_global_generators_are_seeded_by_block_pipeline_and_phase():
    import random

    import numpy as np

    def drawn(block: int = 0, pipeline: str = "p", phase: str = "load") -> tuple[float, float]:
        seed_everything(Surroundings("cpu", 1, 7, block), pipeline, phase)
        return random.random(), float(np.random.rand())

    state, old = random.getstate(), np.random.get_state()
    try:
        assert drawn() == drawn()
        others = {drawn(), drawn(block=1), drawn(pipeline="q"), drawn(phase="warm-up")}
        assert len(others) == 4
    finally:
        random.setstate(state)
        np.random.set_state(old)


def test_a_long_chain_has_no_edge_inside_a_cycle():
    names = [f"s{number}" for number in range(300)]
    stages = {name: {"to": to} for name, to in pairwise(names)}
    with rig({**stages, names[-1]: {}}) as made:
        assert made.pipeline.inside_cycle == frozenset()
