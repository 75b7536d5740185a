"""Names: registered, of the right kind, with options that their class takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import pytest
from pydantic import model_validator

from mlbench.check import check_file
from mlbench.errors import SpecError
from mlbench.interfaces.stage import Context, DataSource, Ref, Resource, Stage, stage

pytestmark = pytest.mark.unit


class Text(Resource):
    size: int = 1

    @contextmanager
    def open(self, context: Context) -> Iterator[object]:
        yield object()


class Reader(Stage):
    lm: Ref
    others: tuple[Ref, ...] = ()
    second: Ref | None = None
    model: Literal["small"] | Ref = "small"
    prompt: str = ""

    @contextmanager
    def open(self, context: Context) -> Iterator[object]:
        yield lambda payload: payload


class Unfinished(Stage):
    pass


class Explosive(Stage):
    @model_validator(mode="after")
    def _explode(self) -> Explosive:
        raise RuntimeError("boom")

    @contextmanager
    def open(self, context: Context) -> Iterator[object]:
        yield lambda payload: payload


class Numbers(DataSource):
    @contextmanager
    def open(self, context: Context) -> Iterator[Sequence[int]]:
        yield [1]


def unmarked(payload: object) -> object:
    return payload


@stage
def shorten(text: str, *, length: int, suffix: str = "") -> str:
    return text[:length] + suffix


def test_a_pipeline_of_registered_names_has_no_problem(told):
    assert told({"a": {}}) == []


def test_no_pipelines_are_no_problem():
    from mlbench.check import problems
    from mlbench.spec import Benchmark

    assert problems(Benchmark(name="machine")) == []


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (
            {"stages": {"a": {"uses": "synthetic.nop"}}},
            "stages.a.uses: 'synthetic.nop' is no registered stage, data set or resource "
            "(did you mean 'synthetic.noop'?)",
        ),
        (
            {"data": {"uses": "synthetic.itms"}},
            "data.uses: 'synthetic.itms' is no registered stage, data set or resource "
            "(did you mean 'synthetic.items'?)",
        ),
        (
            {"load": {"poison": {"rate": 1}}},
            "load.poison: 'poison' is no registered load (did you mean 'poisson'?)",
        ),
        (
            {"stages": {"a": {"uses": "no_such_module:thing"}}},
            "stages.a.uses: no module 'no_such_module' can be imported",
        ),
        (
            {"stages": {"a": {"uses": "mlbench.stages.synthetic.noop:nop"}}},
            "stages.a.uses: the module 'mlbench.stages.synthetic.noop' has no 'nop' "
            "(did you mean 'noop'?)",
        ),
        (
            {"stages": {"a": {"uses": "mlbench.stages.synthetic.nop:noop"}}},
            "stages.a.uses: no module 'mlbench.stages.synthetic.nop' can be imported "
            "(did you mean 'mlbench.stages.synthetic.noop'?)",
        ),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(told, rest, expected):
    assert told(**{"stages": {"a": {}}, **rest}) == [expected]


def test_a_module_beside_the_spec_is_told_by_the_nearest_name(told, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_stages.py").write_text("from pathlib import Path\ndef shout(text): ...\n")
    (tmp_path / "my_broken.py").write_text("import not_installed_here\n")
    stages = {
        name: {"uses": uses}
        for name, uses in (("a", "my_stage:shout"), ("b", "my_stages:shot"), ("c", "my_broken:x"))
    }
    linked = {**stages, "a": {**stages["a"], "to": "b"}, "b": {**stages["b"], "to": "c"}}
    assert told(linked) == [
        "stages.a.uses: no module 'my_stage' can be imported (did you mean 'my_stages'?)",
        "stages.b.uses: the module 'my_stages' has no 'shot' (did you mean 'shout'?)",
        "stages.c.uses: no module 'not_installed_here' can be imported ('my_broken' imports it)",
    ]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (
            {"stages": {"a": {"uses": "synthetic.items"}}},
            "stages.a.uses: 'synthetic.items' is a data set, not a stage (use it under 'data')",
        ),
        (
            {"data": {"uses": "synthetic.noop"}},
            "data.uses: 'synthetic.noop' is a stage, not a data set (use it under 'stages')",
        ),
        (
            {"resources": {"r": {"uses": "synthetic.items"}}},
            "resources.r.uses: 'synthetic.items' is a data set, not a resource "
            "(use it under 'data')",
        ),
        (
            {"load": {"mlbench.loads.closed:ClosedLoad.__init__": {}}},
            "load.mlbench.loads.closed:ClosedLoad.__init__: "
            "'mlbench.loads.closed:ClosedLoad.__init__' is no load",
        ),
    ],
)
def test_a_thing_of_the_wrong_kind_is_told_with_its_place(told, rest, expected):
    assert told(**{"stages": {"a": {}}, **rest}) == [expected]


def test_a_resource_is_no_data_set(told):
    (problem,) = told({"a": {}}, data={"uses": Text})
    assert problem.endswith("is a resource, not a data set (use it under 'resources')")


def test_a_function_needs_its_mark(told):
    (problem,) = told({"a": {"uses": unmarked}})
    assert problem.endswith("is not a stage (mark the function with @mlbench.stage)")


def test_a_stage_needs_its_method(told):
    (problem,) = told({"a": {"uses": Unfinished}})
    assert problem.endswith("has no method 'open'")


def test_a_notebook_s_stage_is_taken_from_its_name(told):
    stages = {"a": {"uses": shorten, "with": {"length": 3}}}
    assert told(stages, data={"uses": Numbers}) == []


def test_options_are_those_of_the_class(told):
    wrong = {"lenght": 3, "suffix": 1}
    assert told({"a": {"uses": shorten, "with": wrong}}, data={"uses": Numbers}) == [
        "stages.a.with.length: is missing",
        "stages.a.with.suffix: expected text, not 1",
        "stages.a.with.lenght: is not a key here (did you mean 'length'?)",
    ]


def test_options_of_loads_and_data_are_checked_too(told):
    found = told(
        {"a": {}}, data={"uses": "synthetic.items", "with": {"n": 0}}, load={"poisson": {}}
    )
    assert found == [
        "data.with.n: expected at least 1, not 0",
        "load.poisson.rate: is missing (such as load: {poisson: {rate: 10}})",
    ]


def test_the_limits_of_a_function_s_options_hold(told):
    assert told({"a": {"uses": "synthetic.sleep", "with": {"seconds": -1}}}) == [
        "stages.a.with.seconds: expected at least 0, not -1"
    ]


def test_a_rule_over_several_options_is_told_at_with(told):
    assert told({"a": {"uses": "synthetic.route"}}) == [
        "stages.a.with: expected either weights: {name: weight} or cycle: [name, name]"
    ]


def test_a_validator_that_raises_anything_is_a_problem(told):
    assert told({"a": {"uses": Explosive}}) == [
        "stages.a.with: does not validate: RuntimeError: boom"
    ]


def test_options_must_be_data_that_the_engine_can_be_told(told):
    (problem,) = told({"a": {"uses": Reader, "with": {"lm": object()}}}, resources={})
    assert problem == (
        "stages.a.with.lm: expected text, numbers, lists or 'key: value' pairs, not object"
    )


@pytest.mark.parametrize("word", ["utilization", "utilisaton"])
def test_a_share_of_the_capacity_is_told_in_its_spelling(word, told):
    assert told({"a": {}}, load={"poisson": {word: 0.7}}) == [
        f"load.poisson.{word}: is not a key here (did you mean 'utilisation'?)"
    ]


class TestFitting:
    """An option that takes a resource is told with the one that the registry has for it."""

    questions = {"uses": "rag.questions"}

    def test_one_is_added_where_there_is_none(self, told):
        assert told({"a": {"uses": "rag.retrieve"}}, data=self.questions) == [
            "stages.a.with.index: is missing "
            "(add resources: {index: {uses: rag.index}} and write index: $index)"
        ]

    def test_one_that_is_there_is_named(self, told):
        stages = {"a": {"uses": "rag.retrieve", "with": {"index": "$x"}}}
        resources = {"passages": {"uses": "rag.index"}}
        assert told(stages, data=self.questions, resources=resources) == [
            "stages.a.with.index: '$x' names no resource (write index: $passages)"
        ]


class TestReferences:
    resources = {"lm": {"uses": Text}}

    def test_one_that_names_a_resource_fits(self, told):
        options = {"lm": "$lm", "others": ["$lm"], "second": "$lm"}
        assert told({"a": {"uses": Reader, "with": options}}, resources=self.resources) == []

    def test_one_that_names_none_is_told_with_the_nearest(self, told):
        options = {"lm": "$ml", "others": ["$lm", "$lmm"]}
        assert told({"a": {"uses": Reader, "with": options}}, resources=self.resources) == [
            "stages.a.with.lm: '$ml' names no resource (known: lm)",
            "stages.a.with.others.1: '$lmm' names no resource (did you mean 'lm'?)",
        ]

    def test_without_resources_there_is_nothing_to_name(self, told):
        assert told({"a": {"uses": Reader, "with": {"lm": "$lm"}}}) == [
            "stages.a.with.lm: '$lm' names no resource (the pipeline has no 'resources')"
        ]

    def test_the_dollar_is_part_of_it(self, told):
        found = told({"a": {"uses": Reader, "with": {"lm": "lm"}}}, resources=self.resources)
        assert found == [
            "stages.a.with.lm: expected a resource, such as '$model', not 'lm' "
            "(did you mean '$lm'?)"
        ]

    def test_a_field_that_takes_names_and_references_takes_both(self, told):
        for model in ("small", "$lm"):
            options = {"lm": "$lm", "model": model}
            assert told({"a": {"uses": Reader, "with": options}}, resources=self.resources) == []

    def test_a_name_that_a_resource_has_lacks_its_dollar(self, told):
        options = {"lm": "$lm", "model": "lm"}
        (found,) = told({"a": {"uses": Reader, "with": options}}, resources=self.resources)
        assert "did you mean '$lm'?" in found

    def test_an_ordinary_field_takes_none(self, told):
        options = {"lm": "$lm", "prompt": "$lm"}
        assert told({"a": {"uses": Reader, "with": options}}, resources=self.resources) == [
            "stages.a.with.prompt: takes no reference to a resource, but there is one: '$lm'"
        ]

    def test_a_dollar_in_ordinary_text_is_text(self, told):
        options = {"lm": "$lm", "prompt": "$5 a day"}
        assert told({"a": {"uses": Reader, "with": options}}, resources=self.resources) == []

    def test_a_resource_refers_to_none(self, told):
        both = {"lm": {"uses": Text}, "big": {"uses": Text, "with": {"size": "$lm"}}}
        assert told({"a": {}}, resources=both) == [
            "resources.big.with.size: a resource cannot refer to another one"
        ]


def test_every_mistake_comes_at_once(told):
    found = told(
        {"a": {"uses": "synthetic.nop", "to": "c"}, "b": {"uses": "synthetic.sleep"}},
        data={"uses": "synthetic.itms"},
        load={"poison": {}},
        place={"device": "cuda:7"},
    )
    assert [problem.partition(":")[0] for problem in found] == [
        "data.uses",
        "load.poison",
        "stages.a.uses",
        "stages.b.with.seconds",
        "stages.a.to",
        "place.device",
    ]


def test_a_wrong_key_hides_no_mistake_in_options_and_loads(tmp_path):
    file = tmp_path / "spec.yml"
    file.write_text(
        "name: x\n"
        "seed: seven\n"
        "stop: {seconds: ten}\n"
        "pipelines:\n"
        "  p:\n"
        "    data: {uses: synthetic.items}\n"
        "    load: {poisson: {rate: -5}}\n"
        "    place: {cpus: 99}\n"
        "    stages:\n"
        "      s: {uses: synthetic.spin, with: {seconds: fast}, wokers: 3, to: t}\n"
        "      t: {uses: synthetic.nop}\n"
    )
    with pytest.raises(SpecError) as caught:
        check_file(file)
    assert [(problem.line, problem.path[-1]) for problem in caught.value.problems] == [
        (2, "seed"),
        (3, "seconds"),
        (7, "rate"),
        (8, "cpus"),
        (10, "seconds"),
        (10, "wokers"),
        (11, "uses"),
    ]


@pytest.mark.parametrize("kind", ["async", "generator"])
def test_a_stage_whose_call_only_begins_the_work_is_refused(kind):
    async def later(number: int) -> int:
        return number

    def piecewise(number: int):
        yield number

    with pytest.raises(TypeError, match=r"a stage returns its result"):
        stage(later if kind == "async" else piecewise)
