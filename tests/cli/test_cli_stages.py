"""``mlbench stages``: the library, and one page for each name of it."""

from __future__ import annotations

import json

import pytest

from mlbench.interfaces.stage import Stage, stage
from mlbench.registry import names

pytestmark = pytest.mark.unit


@stage(outputs={"even": int, "odd": int})
def parity(number: int, *, offset: int) -> object:
    """Whether a number is even."""
    return number + offset


class Odd(Stage):
    """Has a field of a type that no JSON schema describes."""

    kind: type = int


def test_the_library_is_listed_by_family(cli):
    lines = cli("stages").stdout.splitlines()

    assert lines.index("synthetic") < lines.index("vision")
    row = next(line for line in lines if line.startswith("  synthetic.noop "))
    assert row.split()[1] == "stage"


def test_json_lists_every_registered_name(cli):
    rows = json.loads(cli("stages", "--json").stdout)["stages"]

    assert [row["name"] for row in rows] == names("stages")
    assert {row["kind"] for row in rows} <= {"stage", "data", "resource"}


@pytest.mark.parametrize("name", names("stages"))
def test_every_registered_name_has_a_page(cli, name):
    result = cli("stages", name, columns=80)

    assert result.exit_code == 0
    assert f"uses: {name}" in result.stdout
    wrapped, _ = result.stdout.split("\nexample\n")  # an example stays as it is, to be copied
    assert max(len(line) for line in wrapped.splitlines()) <= 90


def test_a_page_has_fields_types_and_an_example(cli):
    text = cli("stages", "vision.classify").stdout

    assert "integer, 1 to 1000" in text
    assert "classes in each answer" in text
    assert "takes" in text
    assert "classify: {uses: vision.classify, with: {model: $net, top: 3}}" in text


def test_a_field_that_has_no_default_is_required(cli):
    (field,) = json.loads(cli("stages", "synthetic.sleep", "--json").stdout)["fields"]

    assert field["required"]
    assert field["type"] == "number, 0 or more"


def test_a_router_shows_its_outputs_and_a_function_gets_an_example(cli):
    text = cli("stages", f"{__name__}:parity").stdout

    assert "output  even: int" in text
    assert f"{{uses: {__name__}:parity, with: {{offset: ...}}}}" in text


def test_a_type_without_a_schema_is_named(cli):
    (field,) = json.loads(cli("stages", f"{__name__}:Odd", "--json").stdout)["fields"]

    assert field["type"] == "type"


def test_an_unknown_name_suggests_the_nearest(cli):
    result = cli("stages", "synthetic.slep")

    assert result.exit_code == 2
    assert "did you mean 'synthetic.sleep'?" in result.stderr


def test_a_name_with_nothing_near_says_what_lists_all(cli):
    result = cli("stages", "xyz")

    assert result.exit_code == 2
    assert result.stderr.endswith(
        f"and {len(names('stages')) - 8} more: `mlbench stages` lists all)\n"
    )


def test_something_that_is_no_stage_is_bad_input(cli):
    result = cli("stages", "math:sqrt")

    assert result.exit_code == 2
    assert "is no stage" in result.stderr
