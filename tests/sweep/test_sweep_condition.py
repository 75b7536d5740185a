"""Conditions over parameters: what is read in them, and that nothing is executed."""

from __future__ import annotations

import pytest

from mlbench.sweep.condition import Condition, ConditionError

pytestmark = pytest.mark.unit

VALUES = {"cpus": 2, "model": "big", "rate": 0.5, "pipelines.rag.seed": 7, "on": True}


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("cpus == 2", True),
        ("cpus != 2 or rate < 1", True),
        ("not (model in ['small', 'big'])", False),
        ("1 < cpus <= 2", True),
        ("cpus * rate - 1 == 0", True),
        ("pipelines.rag.seed % 2 == 1", True),
        ("on", True),
        ("on is True and model not in ('a', 'b')", True),
        ("-cpus < 0", True),
    ],
)
def test_a_condition_is_told(text: str, truth: bool) -> None:
    assert Condition(text, VALUES).holds(VALUES) is truth


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "model.upper() == 'BIG'",
        "[each for each in model]",
        "(lambda: 1)()",
        "model[0] == 'b'",
        "f'{model}'",
        "cpus ** 99999999",
        "{1: 2}",
        "cpus if on else rate",
        "(cpus := 3)",
        "b'bytes'",
    ],
)
def test_what_could_execute_something_is_not_read(text: str) -> None:
    with pytest.raises(ConditionError):
        Condition(text, VALUES)


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(ConditionError, match=r"'modle' is no parameter \(did you mean 'model'"):
        Condition("modle == 'big'", VALUES)


def test_text_that_is_no_expression_is_a_mistake() -> None:
    with pytest.raises(ConditionError, match="is no expression"):
        Condition("cpus ==", VALUES)


@pytest.mark.parametrize("text", ["model < 1", "model * 1000000000 == 'x'", "cpus / 0 == 1"])
def test_values_that_do_not_go_together_are_a_mistake(text: str) -> None:
    with pytest.raises(ConditionError, match="cannot be told"):
        Condition(text, VALUES).holds(VALUES)
