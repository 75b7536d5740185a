"""``mlbench spec``: what may stand in a spec, from the models that read it."""

from __future__ import annotations

import json

import pytest
import yaml

from mlbench.spec import Benchmark, Pipeline, StageSpec, Stop
from mlbench.sweep.plan import Plan

pytestmark = pytest.mark.unit


@pytest.fixture
def told(cli):
    """The sections that the command tells: fields by path."""

    def tell(*arguments):
        document = json.loads(cli("spec", *arguments, "--json").stdout)
        return {each["path"]: each["fields"] for each in document["sections"]}

    return tell


def keys(model):
    return [info.alias or name for name, info in model.model_fields.items()]


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("", Benchmark),
        ("stop", Stop),
        ("pipelines.NAME", Pipeline),
        ("pipelines.NAME.stages.NAME", StageSpec),
    ],
)
def test_a_section_has_the_fields_of_its_model(told, path, model):
    assert [field["name"] for field in told()[path]] == keys(model)


def test_every_field_says_what_it_is(told):
    silent = [
        f"{path}.{field['name']}"
        for path, fields in told().items()
        for field in fields
        if not field["description"]
    ]
    assert silent == []


def test_a_field_that_holds_fields_says_where_they_are(told):
    sections = told()
    named = [field["section"] for fields in sections.values() for field in fields]
    assert {path for path in named if path} == set(sections) - {""}


@pytest.mark.parametrize("path", ["pipelines.rag.place", "pipelines.'a.b'.place", "place"])
def test_a_path_of_a_spec_leads_to_its_section(told, path):
    assert list(told(path)) == ["pipelines.NAME.place"]


def test_a_field_is_shown_alone(told):
    ((path, fields),) = told("pipelines.rag.stages.grade.max_visits").items()
    assert path == "pipelines.NAME.stages.NAME"
    assert [field["name"] for field in fields] == ["max_visits"]


def test_a_name_is_found_wherever_it_stands(told):
    assert list(told("queries")) == ["stop", "pipelines.NAME.stop", "pipelines.NAME.warmup"]


def test_the_page_has_types_defaults_and_words(cli):
    text = " ".join(cli("spec", "timeouts").stdout.split())

    assert "grace number, above 0, 1e7 or less 5 For a worker to close its stages" in text


def test_the_help_says_where_relative_paths_count_from(cli):
    text = " ".join(cli("spec", "--help").stdout.split())

    assert "counts from the directory in which mlbench is started, wherever the spec" in text


def test_an_unknown_name_suggests_the_nearest(cli):
    result = cli("spec", "pipelines.rag.stpo")

    assert result.exit_code == 2
    assert "a spec has no 'pipelines.rag.stpo' (did you mean 'stop'?)" in result.stderr


def test_a_plan_has_the_fields_of_its_model_and_says_what_each_is(told):
    sections = told("--plan")
    silent = [
        field["name"] for each in sections.values() for field in each if not field["description"]
    ]

    assert [field["name"] for field in sections[""]] == keys(Plan)
    assert "parameters.random.of.NAME" in sections
    assert silent == []


def test_the_page_of_a_plan_ends_with_an_example_that_is_one(cli):
    text = cli("spec", "--plan").stdout
    example = text.partition("an example with every key\n")[2]

    assert Plan.model_validate(yaml.safe_load(example)).title == "batch-and-model"


def test_who_asks_a_spec_for_a_plan_is_told_the_option(cli):
    assert "`mlbench spec --plan` explains the plan of a sweep" in cli("spec", "plan").stderr


def test_an_unknown_key_of_a_plan_suggests_the_nearest(cli):
    assert (
        "a plan has no 'repaets' (did you mean 'repeats'?)"
        in cli("spec", "--plan", "repaets").stderr
    )
