"""Numbers, texts, loads, types and goals as people read them."""

from __future__ import annotations

import pytest

from mlbench.cli.footnotes import Footnotes
from mlbench.cli.goal import goal, stop_text
from mlbench.cli.load_text import load_text
from mlbench.cli.numbers import duration, significant, unit_for
from mlbench.cli.prose import prose
from mlbench.cli.text import one_line, plain
from mlbench.library.types import type_text
from mlbench.spec import Benchmark, Load, Stop

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (1.234, "1.23"), (45.67, "45.7"), (12345.6, "12,346")],
)
def test_numbers_have_three_digits_or_thousands(value, text):
    assert significant(value) == text


def test_a_number_too_small_to_show_is_not_shown_as_zero():
    assert significant(1e-7) == "<0.0001"


@pytest.mark.parametrize("value", [-0.0, -1e-7, -0.00004999])
def test_a_difference_too_small_to_show_is_zero_without_a_sign(value):
    assert significant(value) == "0"


def test_the_smallest_difference_that_shows_has_its_sign():
    assert significant(-0.00006) == "-0.0001"


@pytest.mark.parametrize(
    ("values_ms", "unit"),
    [([0.002, 0.03], "µs"), ([2, 45.0], "ms"), ([12_000, 90_000], "s"), ([None], "ms")],
)
def test_a_column_has_the_unit_that_suits_its_values(values_ms, unit):
    assert unit_for(values_ms).name == unit


def test_one_large_value_among_small_ones_does_not_get_six_digits():
    values = [849.0, 0.007, 0.159]

    assert [unit_for(values).show(value) for value in values] == ["849", "0.0070", "0.159"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8 s"), (12.4, "12 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_colours_are_taken_out_and_control_characters_made_visible():
    assert plain("a\x1b[31mred\x1b[0m\x07\x9b2J\n") == r"ared\x07\x9b2J\n"


def test_a_long_text_is_cut_to_one_line():
    assert one_line("line\nline", 6) == r"line\…"


def test_backticks_of_a_docstring_are_not_shown():
    assert prose("Takes ``n`` of\n`Photo`.").plain == "Takes n of Photo."


@pytest.mark.parametrize(
    ("load", "text"),
    [
        ({"closed": {}}, "closed 1"),
        ({"closed": {"concurrency": 4}}, "closed 4"),
        ({"poisson": {"rate": 0.3}}, "poisson 0.3/s"),
        ({"other": {"shape": 2}}, "other shape=2"),
    ],
)
def test_loads(load, text):
    assert load_text(Load(**load)) == text


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer", "minimum": 1}, "integer, 1 or more"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number, above 0, 1 or less"),
        ({"enum": ["a", "b"]}, "a or b"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "mapping to number"),
        ({"type": "string", "pattern": r"^\$.+"}, "$NAME of a resource"),
        ({}, "anything"),
    ],
)
def test_types_of_fields(schema, text):
    assert type_text(schema) == text


def test_a_reason_that_several_cells_share_is_one_footnote():
    notes = Footnotes()

    cells = [notes.cell(None, "too few"), notes.cell("3", None), notes.cell(None, "too few")]

    assert [cell.plain for cell in cells] == ["-¹", "3", "-¹"]
    assert [line.plain for line in notes.lines()] == ["¹ too few"]


@pytest.mark.parametrize(
    ("stop", "share", "left"),
    [
        ({"seconds": 30}, 0.4, "18 s left"),
        ({"queries": 100}, 0.5, "50/100"),
        ({"min_seconds": 24, "min_queries": 200}, 0.25, "50/200"),
        ({"min_queries": 1000, "max_seconds": 15}, 0.8, "3.0 s left"),
    ],
)
def test_a_load_is_as_far_as_the_bound_that_will_end_it(stop, share, left):
    reached = goal(Stop(**stop), seconds=12.0, queries=50)

    assert (reached.share, reached.left) == (share, left)


def test_a_load_is_never_more_than_whole():
    assert goal(Stop(seconds=5), 9.0, 0).share == 1


def test_a_pipeline_without_a_stop_rule_goes_on_with_the_others():
    noop = {"data": {"uses": "synthetic.items"}, "stages": {"a": {"uses": "synthetic.noop"}}}
    stopped = {**noop, "stop": {"queries": 5}}
    rules = Benchmark(name="b", pipelines={"a": stopped, "background": noop}).stop_rules()

    assert goal(rules["background"], 1.0, 10).share is None
    assert stop_text(rules["background"]) == "as long as the others"


def test_stop_rules_in_words():
    assert stop_text(Stop(min_seconds=3, min_queries=9, max_seconds=60)) == (
        "until 60 s or 3 s and 9 queries"
    )
