"""A benchmark without a mistake becomes graphs; one with mistakes, all of them at once."""

from __future__ import annotations

import pytest

from mlbench.check import Edges, check_file, resolve, resolve_pipeline
from mlbench.errors import SpecError
from mlbench.interfaces.stage import stage
from mlbench.loads.poisson import Poisson
from mlbench.spec import Benchmark

pytestmark = pytest.mark.unit


@stage(outputs=["good", "bad"])
def grade(payload: object) -> object:
    return payload


LOOP = {
    "retrieve": {"to": ["left", "right"]},
    "left": {"to": "both"},
    "right": {"to": "both"},
    "both": {"join": ["left", "right"], "to": "grade"},
    "grade": {"uses": grade, "to": {"good": "out", "bad": "rewrite"}},
    "rewrite": {"to": "retrieve", "max_visits": 2, "then": "out"},
    "out": {},
}


def test_a_graph_has_its_edges_as_indices(bench):
    graph = resolve(bench(LOOP, load={"poisson": {"rate": 3}}))["p"]
    retrieve, left, _, both, router, rewrite, out = graph.nodes
    assert graph.entry == 0
    assert graph.load == Poisson(rate=3)
    assert (retrieve.edges, retrieve.targets) == (Edges.FAN, (1, 2))
    assert (left.edges, left.targets) == (Edges.ONE, (3,))
    assert (both.join, both.fan_outs) == ((1, 2), (0,))
    assert (router.edges, router.routes, router.targets) == (
        Edges.ROUTE,
        {"good": 6, "bad": 5},
        (),
    )
    assert (rewrite.then, rewrite.cyclic) == (6, True)
    assert (out.edges, out.cyclic) == (Edges.NONE, False)


def test_a_fan_out_beside_its_own_edge_to_the_join_is_the_join_s(bench):
    stages = {"a": {"to": ["b", "d"]}, "b": {"to": "d"}, "d": {"join": ["a", "b"]}}
    assert resolve(bench(stages))["p"].nodes[2].fan_outs == (0,)


def test_resolving_raises_every_problem(bench):
    with pytest.raises(SpecError) as caught:
        resolve(bench({"a": {"uses": "nope", "to": "b"}, "b": {"to": "nowhere"}}))
    assert [problem.key for problem in caught.value.problems] == [
        "pipelines.p.stages.a.uses",
        "pipelines.p.stages.b.to",
    ]


class TestOnePipeline:
    def both(self, bench) -> Benchmark:
        good = bench({"a": {}}, place={"device": "cuda:99"}).pipelines["p"]
        bad = bench({"a": {"uses": "not_installed:thing"}}).pipelines["p"]
        return Benchmark(name="b", pipelines={"good": good, "bad": bad})

    def test_is_resolved_without_the_others_and_without_the_machine(self, bench):
        assert resolve_pipeline(self.both(bench), "good").name == "good"

    def test_has_its_own_mistakes(self, bench):
        with pytest.raises(SpecError, match="not_installed"):
            resolve_pipeline(self.both(bench), "bad")

    def test_must_be_there(self, bench):
        with pytest.raises(SpecError, match=r"no pipeline is called 'goood'.*did you mean 'good'"):
            resolve_pipeline(self.both(bench), "goood")


TEXT = """\
name: two
pipelines:
  p:
    data: {uses: synthetic.items, with: {m: 3}}
    stages:
      a: {uses: synthetic.noop, to: c}
      b:
        uses: synthetic.sleep
        with: {seconds: soon}
"""


class TestFiles:
    @pytest.fixture
    def write(self, tmp_path):
        def write(text: str) -> str:
            (tmp_path / "spec.yml").write_text(text)
            return str(tmp_path / "spec.yml")

        return write

    def test_each_problem_has_its_line(self, write):
        path = write(TEXT)
        bench, found = check_file(path)
        assert bench.name == "two"
        assert [str(problem).removeprefix(path) for problem in found] == [
            ":4:42: pipelines.p.data.with.m: is not a key here (known: bytes, n)",
            ":6:33: pipelines.p.stages.a.to: no stage is called 'c' (known: a, b)",
            ":9:16: pipelines.p.stages.b.with.seconds: expected a number, not 'soon'",
        ]

    def test_overrides_are_checked_with_it(self, write):
        settings = ["pipelines.p.data.with={n: 4}", "pipelines.p.stages.a.to=b"]
        bench, found = check_file(write(TEXT), [*settings, "pipelines.p.stages.b.with.seconds=1"])
        assert found == []
        assert bench.pipelines["p"].data.with_ == {"n": 4}

    def test_what_is_valid_is_checked_beside_what_is_not(self, write):
        more = TEXT + "  q:\n    data: {uses: synthetic.items}\nsed: 3\n"
        with pytest.raises(SpecError) as caught:
            check_file(write(more))
        assert [(problem.line, problem.key) for problem in caught.value.problems] == [
            (4, "pipelines.p.data.with.m"),
            (6, "pipelines.p.stages.a.to"),
            (9, "pipelines.p.stages.b.with.seconds"),
            (10, "pipelines.q.stages"),
            (12, "sed"),
        ]

    @pytest.mark.parametrize("text", ["pipelines: 3", "study: 3", "pipelines: {p: 3, q: []}"])
    def test_hopeless_files_are_told_once(self, write, text):
        with pytest.raises(SpecError) as caught:
            check_file(write(text))
        keys = [problem.key for problem in caught.value.problems]
        assert "name" in keys
        assert len(set(keys)) == len(keys)
