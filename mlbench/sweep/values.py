"""The values that a plan gives its parameters, each once, and those that nobody can read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from mlbench.errors import Problem, SpecError
from mlbench.spec.document import parse_scalar
from mlbench.sweep.plan import Plan
from mlbench.sweep.target import MOST_TOLD

__all__ = ["KeyPath", "refuse_unreadable", "values_of", "wrong_number"]

KeyPath = tuple["str | int", ...]

Value = Any  # plain data, or a mistake

TEXT = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode

SHORT = 40
"""Characters below which a value of a plan is read back from YAML as it was, if it is printable."""


def values_of(plan: Plan) -> Iterator[tuple[KeyPath, str, Value]]:
    """Every value of every parameter once, and where it stands in the plan."""
    given, top = plan.parameters, "parameters"
    for name, value in given.fixed.items():
        yield (top, "fixed", name), name, value
    for section in ("grid", "zip"):
        for name, column in getattr(given, section).items():
            for index, value in enumerate(column):
                yield (top, section, name, index), name, value
    for index, point in enumerate(given.points):
        for name, value in point.items():
            yield (top, "points", index, name), name, value
    if given.random is not None:
        for row in given.random.values(plan.seed):
            for name, value in row.items():
                yield (top, "random", "of", name), name, value


def wrong_number(path: KeyPath, value: Value) -> Problem | None:
    """A value that is, or has in it, a number that JSON does not have."""
    try:
        TEXT(value)
    except ValueError:
        return Problem(path, f"expected a finite number, not {value}")
    except TypeError:  # no plain data: whoever takes the value says what it takes
        return None
    return None


def refuse_unreadable(plan: Plan) -> None:
    """Refuse values that would come out of a spec in YAML as something else.

    Raises
    ------
    SpecError
        With each of them, up to the number that is told at once.
    """
    found = (_unreadable(path, value) for path, _, value in values_of(plan))
    if wrong := [each for each in found if each is not None]:
        raise SpecError(wrong[:MOST_TOLD])


def _unreadable(path: KeyPath, value: Value) -> Problem | None:
    try:
        text = TEXT(value)
    except ValueError:
        return wrong_number(path, value)
    except TypeError:
        return Problem(path, f"expected text, numbers, lists or 'key: value' pairs, not {value!r}")
    if len(text) < SHORT and text.isprintable() and "\\" not in text:
        return None
    return _misread(path, text)


def _misread(path: KeyPath, text: str) -> Problem | None:
    """A value that YAML does not give back as it was, such as a number of 50 digits."""
    try:
        if parse_scalar(text) == json.loads(text):
            return None
    except (yaml.YAMLError, SpecError):
        pass
    return Problem(path, f"{text[:60]} cannot be set in YAML", "write it into the spec itself")
