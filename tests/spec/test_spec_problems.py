"""What is wrong with a key: what was expected, what was there, the nearest valid name."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mlbench.errors import SpecError
from mlbench.spec import Document, Placement, StageSpec
from mlbench.spec.problems import _PATTERNS

pytestmark = pytest.mark.unit

HEAD = "name: b\npipelines:\n  p:\n    data: {uses: d}\n"


def told(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        Document.parse(text).benchmark()
    return [str(problem).split(": ", 1)[1] for problem in caught.value.problems]


def told_of_stage(keys: str) -> list[str]:
    found = told(f"{HEAD}    stages:\n      a: {{uses: s, {keys}}}\n")
    return [text.removeprefix("pipelines.p.stages.a.") for text in found]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("too: b", "too: is not a key here (did you mean 'to'?)"),
        ("workers: 0", "workers: expected at least 1, not 0"),
        ("workers: many", "workers: expected a whole number, not 'many'"),
        ("max_visits: 1.5", "max_visits: expected a whole number, not 1.5"),
        ("sync: 3", "sync: expected true or false, not 3"),
        ("join: b", "join: expected a list, not 'b'"),
        ("with: 3", "with: expected 'key: value' pairs, not 3"),
        ("batch: {size: 2, max_wait: 3}", "batch.max_wait: is not a key here "
         "(did you mean 'max_wait_ms'?)"),
        ("to: 5", "to: expected text, a list or 'key: value' pairs, not 5"),
        ("to: [b, 1]", "to.1: expected text, not 1"),
        ("to: {x: 5}", "to.x: expected text, not 5"),
        ("to: []", "to: expected at least one successor; leave 'to' out for a sink"),
        ("to: a/b", "to: expected a name of at most 80 characters, without '/', not 'a/b'"),
    ],
)  # fmt: skip
def test_a_stage(keys, problem):
    assert told_of_stage(keys) == [problem]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("load: {poison: {}, b: {}}", "load: expected one name with its options, "
         "such as 'poisson: {rate: 3}', not poison beside b"),
        ("load: {closed: 3}", "load: expected the options of 'closed' as 'key: value' pairs"),
        ("execution: pipelind", "execution: expected 'serial' or 'pipelined', not 'pipelind' "
         "(did you mean 'pipelined'?)"),
        ("stop: {}", "stop: expected seconds, queries, or a minimum or maximum above 0"),
        ("stop: {seconds: -1}", "stop.seconds: expected more than 0, not -1"),
        ("slo: {latency_ms: .inf}", "slo.latency_ms: expected a finite number, not inf"),
        ("place: {device: gpu}", "place.device: expected auto, cpu, cuda or cuda:N, not 'gpu'"),
        ("place: {cpus: [0, 0]}", "place.cpus: expected distinct processor numbers, "
         "such as [0, 1]"),
    ],
)  # fmt: skip
def test_a_pipeline(keys, problem):
    text = f"{HEAD}    stages: {{a: {{uses: s}}}}\n    {keys}\n"
    assert [one.removeprefix("pipelines.p.") for one in told(text)] == [problem]


def test_every_key_is_told_at_once():
    assert told("nam: b\nseed: -1\nstudy: {repeats: 0}\npipelines: {p: 3}") == [
        "name: is missing",
        "seed: expected at least 0, not -1",
        "study.repeats: expected at least 1, not 0",
        "pipelines.p: expected 'key: value' pairs, not 3",
        "nam: is not a key here (did you mean 'name'?)",
    ]


@pytest.mark.parametrize("name", ["str", "dict[str]", "int", "x[0]"])
def test_a_stage_may_be_called_like_a_type(name):
    text = f"{HEAD}    stages:\n      '{name}': {{uses: s, to: 5}}\n"
    (problem,) = told(text)
    assert problem.startswith(f"pipelines.p.stages.{name}.to: ")


def test_a_wrong_name_of_a_stage_is_told_at_its_key():
    (problem,) = told(f"{HEAD}    stages:\n      a/b: {{uses: s}}\n")
    assert problem.startswith("pipelines.p.stages.a/b: expected a name of at most 80")


def test_a_long_value_is_cut():
    (problem,) = told(f"name: b\nseed: {'x' * 200}")
    assert len(problem) < 120


def test_patterns_are_told_in_words():
    for make in (
        lambda: StageSpec(uses="s", then="a/b"),
        lambda: Placement(device="gpu"),
    ):
        with pytest.raises(ValidationError) as caught:
            make()
        assert caught.value.errors()[0]["ctx"]["pattern"] in _PATTERNS
