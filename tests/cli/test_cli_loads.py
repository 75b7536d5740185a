"""``mlbench loads``: the arrival processes, and one page for each."""

from __future__ import annotations

import json

import pytest
import yaml

from mlbench.registry import names
from mlbench.spec import Pipeline

pytestmark = pytest.mark.unit


def test_every_load_is_listed_with_its_kind(cli):
    lines = cli("loads", columns=160).stdout.splitlines()

    kinds = {
        line.split()[0]: line.split()[1] for line in lines if line.startswith("  ") and line.strip()
    }
    assert list(kinds) == names("loads")
    assert (kinds["closed"], kinds["poisson"]) == ("closed", "open")


def test_json_lists_them_too(cli):
    rows = json.loads(cli("loads", "--json").stdout)["loads"]

    assert [row["name"] for row in rows] == names("loads")


@pytest.mark.parametrize("name", names("loads"))
def test_every_load_has_a_page_with_an_example_that_a_pipeline_takes(cli, name):
    page = json.loads(cli("loads", name, "--json").stdout)

    example = yaml.safe_load(page["example"])
    data = {"uses": "synthetic.items"} | example.get("data", {})
    stages = {"a": {"uses": "synthetic.noop"}}
    assert Pipeline(load=example["load"], data=data, stages=stages).load.name == name
    assert all(field["description"] for field in page["fields"])
    assert name in cli("loads", name).stdout


def test_a_page_has_fields_with_their_bounds_and_no_section_of_the_docstring(cli):
    text = cli("loads", "gamma").stdout

    assert "number, 0.01 to 100" in text
    assert "standard deviation of the gaps over their mean" in text
    assert ">>>" not in text


def test_an_unknown_name_suggests_the_nearest(cli):
    result = cli("loads", "posson")

    assert result.exit_code == 2
    assert "there is no load 'posson' (did you mean 'poisson'?)" in result.stderr


def test_something_that_is_no_load_is_bad_input(cli):
    assert "is no load" in cli("loads", "math:sqrt").stderr
