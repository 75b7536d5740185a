"""YAML and Python are the same objects, and each becomes the other without loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbench.errors import SpecError
from mlbench.interfaces.stage import stage
from mlbench.spec import Benchmark, Data, Document, Load, LocalName, Pipeline, Sharing, StageSpec
from mlbench.spec.edit import override
from mlbench.spec.request import Request, spec_hash

pytestmark = pytest.mark.unit

names = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/"),
    min_size=1,
    max_size=12,
)
words = st.one_of(names, st.sampled_from(["yes", "no", "on", "null", "~", "1e3", "012", "1:2", ""]))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(allow_nan=False), words
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
options = st.dictionaries(words, values, max_size=3)
edges = st.one_of(
    names,
    st.lists(names, min_size=1, max_size=3),
    st.dictionaries(words, names, min_size=1, max_size=3),
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with any of the keys."""
    return st.fixed_dictionaries({}, optional=fields)


stages = st.builds(
    lambda uses, rest: {"uses": uses, **rest},
    names,
    some(
        **{"with": options},
        to=edges,
        join=st.lists(names, max_size=2),
        max_visits=st.integers(1, 9),
        then=names,
        batch=some(max_wait_ms=st.floats(0, 100)).map(lambda rest: {"size": 2, **rest}),
        workers=st.integers(1, 256),
    ),
)
pipelines = st.builds(
    lambda uses, graph, rest: {"data": {"uses": uses}, "stages": graph, **rest},
    names,
    st.dictionaries(names, stages, min_size=1, max_size=3),
    some(
        load=st.dictionaries(names, options, min_size=1, max_size=1),
        stop=some(seconds=st.floats(0.1, 1e6)).filter(bool),
        execution=st.sampled_from(["serial", "pipelined"]),
        place=some(
            device=st.sampled_from(["auto", "cpu", "cuda", "cuda:1"]),
            cpus=st.lists(st.integers(0, 64), min_size=1, max_size=3, unique=True),
            sharing=st.dictionaries(names, options, min_size=1, max_size=1),
        ),
        entry=names,
        resources=st.dictionaries(names, names.map(lambda uses: {"uses": uses}), max_size=2),
    ),
)
benchmarks = st.builds(
    lambda name, rest: Benchmark.model_validate({"name": name, **rest}),
    names,
    some(
        seed=st.integers(0, 2**63 - 1),
        description=words,
        pipelines=st.dictionaries(names, pipelines, max_size=2),
        study=some(repeats=st.integers(1, 9), seconds=st.integers(1, 99)),
    ),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(benchmarks)
def test_yaml_comes_back_as_the_same_benchmark(bench):
    again = Document.parse(bench.to_yaml()).benchmark()
    assert again == bench
    assert again.to_yaml() == bench.to_yaml()
    assert list(again.pipelines) == list(bench.pipelines)
    assert [list(p.stages) for p in again.pipelines.values()] == [
        list(p.stages) for p in bench.pipelines.values()
    ]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(benchmarks)
def test_so_does_the_request_that_the_engine_reads(bench):
    request = Request(bench=bench, block=3)
    plain = json.loads(json.dumps(request.plain()))
    assert Request.model_validate(plain) == request
    assert spec_hash(Request.model_validate(plain).bench) == spec_hash(bench)


def test_only_what_was_set_is_written():
    bench = Benchmark(name="b", pipelines={"p": {"data": {"uses": "d"}, "stages": {"a": NOOP}}})
    assert bench.to_yaml() == (
        "name: b\npipelines:\n  p:\n    data:\n      uses: d\n"
        "    stages:\n      a:\n        uses: synthetic.noop\n"
    )


def test_a_name_with_its_options_is_one_key():
    for choice in (Load, Sharing):
        assert choice(poisson={"rate": 3}) == choice.model_validate({"poisson": {"rate": 3}})
        assert choice.model_validate("mps").plain() == {"mps": {}}


NOOP = {"uses": "synthetic.noop"}


@stage
def upper(text: str) -> str:
    return text.upper()


class TestLocalNames:
    def bench(self) -> Benchmark:
        pipeline = Pipeline(data=Data(uses="d"), stages={"a": StageSpec(uses=upper)})
        return Benchmark(name="b", pipelines={"p": pipeline})

    def test_a_stage_stays_with_its_name(self):
        uses = self.bench().pipelines["p"].stages["a"].uses
        assert isinstance(uses, LocalName)
        assert uses == f"{__name__}:upper"
        assert uses.target is upper

    def test_it_survives_validation_of_what_it_is_part_of(self):
        again = Benchmark.model_validate(dict(self.bench()))
        assert isinstance(again.pipelines["p"].stages["a"].uses, LocalName)

    def test_a_dump_has_the_name_alone(self):
        assert f"uses: {__name__}:upper\n" in self.bench().to_yaml()
        assert json.loads(json.dumps(self.bench().plain())) == self.bench().plain()

    def test_from_yaml_it_is_a_name_like_others(self):
        again = Document.parse(self.bench().to_yaml()).benchmark()
        assert again == self.bench()
        assert not isinstance(again.pipelines["p"].stages["a"].uses, LocalName)


class TestOverrides:
    text = (
        "name: b\npipelines: {p: {data: {uses: d}, place: {cpus: [0, 1]}, stages: {a: {uses: s}}}}"
    )

    def set(self, *assignments: str) -> Benchmark:
        return override(Document.parse(self.text), assignments, "--set").benchmark()

    def test_they_set_what_is_there(self):
        assert self.set("name=c").name == "c"
        assert self.set("pipelines.p.place.cpus.1=3").pipelines["p"].place.cpus == (0, 3)

    def test_they_make_what_is_not(self):
        bench = self.set("pipelines.p.load.poisson.rate=0.5", "study.repeats=3")
        assert bench.pipelines["p"].load == Load(poisson={"rate": 0.5})
        assert bench.study.repeats == 3

    def test_their_values_are_yaml(self):
        assert self.set("pipelines.p.stages.a.to={yes: a}").pipelines["p"].stages["a"].to == {
            "yes": "a"
        }
        assert self.set("description=a = b").description == "a = b"

    @pytest.mark.parametrize("path", ["""pipelines."a.b=c".warmup""", "pipelines . 'a.b=c'.warmup"])
    def test_a_name_with_a_dot_stands_in_quotes(self, path):
        document = Document.parse(self.text.replace("{p:", "{a.b=c:"))
        bench = override(document, [f"{path}.queries = 7"]).benchmark()
        assert bench.pipelines["a.b=c"].warmup.queries == 7

    def test_the_document_stays_as_it_was(self):
        document = Document.parse(self.text)
        override(document, ["name=c"])
        assert document.data["name"] == "b"

    @pytest.mark.parametrize(
        ("assignment", "told"),
        [
            ("seed", "--set seed: expected path=value, such as seed=7"),
            ("=3", "--set =3: expected path=value, such as seed=7"),
            ("seed..x=1", "--set seed..x=1: expected path=value, such as seed=7"),
            (
                "a'b'.c=1",
                "--set a'b'.c=1: expected path=value, such as seed=7 "
                """(quotes stand around a whole name: pipelines."a.b".load)""",
            ),
            ("seed=[", "--set seed=[: seed: '[' is not a YAML value"),
            ("name.x=1", "--set name.x=1: name.x: 'name' has no keys to set"),
            (
                "pipelines.p.place.cpus.9=1",
                "--set pipelines.p.place.cpus.9=1: pipelines.p.place.cpus.9: there is no place '9'",
            ),
            (
                "pipelines.pp.load.poisson.rate=1",
                "--set pipelines.pp.load.poisson.rate=1: pipelines.pp: "
                "there is no pipeline 'pp' (did you mean 'p'?)",
            ),
            (
                "pipelines.p.stages.b.sync=true",
                "--set pipelines.p.stages.b.sync=true: pipelines.p.stages.b: "
                "there is no stage 'b' (known: a)",
            ),
        ],
    )
    def test_a_wrong_one_is_told(self, assignment, told):
        with pytest.raises(SpecError) as caught:
            self.set(assignment)
        assert [str(problem) for problem in caught.value.problems] == [told]

    def test_several_may_make_a_pipeline(self):
        bench = self.set("pipelines.q.data.uses=d", "pipelines.q.stages={s: {uses: s}}")
        assert list(bench.pipelines) == ["p", "q"]

    @pytest.mark.parametrize(
        "assignment", ["sead=7", "seed=x", "pipelines.p.place.cpus=[x]", "study.seconds=-1"]
    )
    def test_what_does_not_fit_is_told_at_the_assignment(self, assignment):
        with pytest.raises(SpecError) as caught:
            self.set(assignment)
        assert {problem.file for problem in caught.value.problems} == {f"--set {assignment}"}
        assert {problem.line for problem in caught.value.problems} == {None}

    def test_what_stood_there_before_has_its_line_still(self):
        with pytest.raises(SpecError) as caught:
            override(Document.parse(self.text + "\nsead: 3"), ["seed=3"], "--set").benchmark()
        assert [problem.line for problem in caught.value.problems] == [3]

    def test_all_wrong_ones_are_told(self):
        with pytest.raises(SpecError) as caught:
            self.set("seed", "name.x=1")
        assert len(caught.value.problems) == 2


class TestHash:
    text = "name: b\nseed: 3\npipelines: {p: {data: {uses: d}, stages: {a: {uses: s}}}}"

    def hash(self, text: str) -> str:
        return spec_hash(Document.parse(text).benchmark())

    def test_it_is_the_same_in_every_process(self):
        assert self.hash(self.text) == spec_hash(Document.parse(self.text).benchmark())
        assert len(self.hash(self.text)) == 16

    def test_the_order_of_the_keys_of_a_spec_does_not_count(self):
        other = "pipelines: {p: {stages: {a: {uses: s}}, data: {uses: d}}}\nseed: 3\nname: b"
        assert self.hash(other) == self.hash(self.text)

    def test_a_default_that_is_written_out_does_not_count(self):
        assert self.hash(self.text + "\nstudy: {repeats: 5}") == self.hash(self.text)

    @pytest.mark.parametrize(
        "change", [("seed: 3", "seed: 4"), ("uses: s", "uses: t"), ("{a: {", "{b: {")]
    )
    def test_every_value_counts(self, change):
        assert self.hash(self.text.replace(*change)) != self.hash(self.text)
