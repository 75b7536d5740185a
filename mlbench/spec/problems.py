"""Validation errors of pydantic, told as problems of a spec."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mlbench.errors import Path, Problem, nearest

__all__ = ["problems_of"]

_TEXT = {
    "missing": "is missing",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "string_type": "expected text",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "dict_type": "expected 'key: value' pairs",
    "model_type": "expected 'key: value' pairs",
    "model_attributes_type": "expected 'key: value' pairs",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "finite_number": "expected a finite number",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected at most {le}",
    "literal_error": "expected {expected}",
    "enum": "expected {expected}",
    "string_pattern_mismatch": "expected {pattern}",
    "too_short": "expected at least {min_length} of them",
    "too_long": "expected at most {max_length} of them",
}

_PATTERNS = {
    r"^[^\x00-\x1f/]{1,80}$": "a name of at most 80 characters, without '/'",
    r"^(auto|cpu|cuda(:\d+)?)$": "auto, cpu, cuda or cuda:N",
}
"""What the patterns of the spec mean."""

_COMPLETE = ("missing", "value_error")
"""Kinds whose message needs no word about what was there."""


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every error as a problem: one for each place, with what was expected and what was there."""
    found: dict[Path, Problem] = {}
    for (union, _), group in groupby(
        error.errors(include_url=False), key=lambda item: _union_of(item["loc"], model)
    ):
        alike = [dict(item) for item in group]
        for problem in _of_union(alike, model, union) if union else _told(alike, model):
            found.setdefault(problem.path, problem)
    return list(found.values())


def _told(items: Iterable[dict[str, Any]], model: type[BaseModel]) -> Iterator[Problem]:
    for item in items:
        path = tuple(part for part, _ in _steps(item["loc"], model))
        yield _problem(path, item, model)


def _of_union(items: list[dict[str, Any]], model: type[BaseModel], union: int) -> Iterator[Problem]:
    """What is wrong with a value of several possible types: by the type that it comes nearest to.

    That is the one whose errors lie deepest; if none goes deeper than the value itself,
    all the types are named.
    """
    paths = [tuple(part for part, _ in _steps(item["loc"], model)) for item in items]
    deepest = max(map(len, paths))
    if deepest > union:
        nearest_type = next(
            item["loc"][union]
            for item, path in zip(items, paths, strict=True)
            if len(path) == deepest
        )
        yield from _told((item for item in items if item["loc"][union] == nearest_type), model)
        return
    values = [item for item in items if not item["type"].endswith("_type")]
    if values:  # it has the type of one of them, and only its value is wrong
        yield from _told(values, model)
        return
    expected = dict.fromkeys(_expected(item).removeprefix("expected ") for item in items)
    *first, last = expected
    text = f"{', '.join(first)} or {last}" if first else last
    yield Problem(paths[0], f"expected {text}, not {_short(items[0]['input'])}")


def _problem(path: Path, item: dict[str, Any], model: type[BaseModel]) -> Problem:
    kind = item["type"]
    if kind == "extra_forbidden":
        return Problem(path, "is not a key here", nearest(str(path[-1]), _keys_at(model, path)))
    message = _expected(item)
    if kind not in _COMPLETE:
        message = f"{message}, not {_short(item['input'])}"
    return Problem(path, message, _choice_hint(item))


def _expected(item: dict[str, Any]) -> str:
    text = _TEXT.get(item["type"])
    if text is not None:
        return text.format(**{key: _plain(key, each) for key, each in item.get("ctx", {}).items()})
    message = str(item["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _plain(key: str, value: object) -> object:
    """A number without ``.0``, a pattern in words."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if key == "pattern":
        return _PATTERNS.get(str(value), f"text that matches {value}")
    return value


def _choice_hint(item: dict[str, Any]) -> str:
    """The nearest of the words that are allowed, if one is near."""
    if item["type"] != "literal_error" or not isinstance(item["input"], str):
        return ""
    hint = nearest(item["input"], re.findall(r"'([^']+)'", item["ctx"]["expected"]))
    return hint if hint.startswith("did you mean") else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _union_of(loc: Path, model: type[BaseModel]) -> tuple[int, Path]:
    """Where in ``loc`` the first branch of a union stands, with the path to it; 0 if nowhere."""
    kept = [index for _, index in _steps(loc, model)]
    labels = [i for i in range(len(loc)) if i not in kept]
    first = next((i for i in labels if loc[i] != "[key]"), 0)
    return first, loc[:first] if first else ()


def _steps(loc: Path, model: type[BaseModel]) -> Iterator[tuple[str | int, int]]:
    """The parts of ``loc`` that the user wrote, with their index.

    The others are pydantic's: the branch of a union, and ``[key]`` for a wrong key.
    """
    here: list[object] = [model]
    for index, part in enumerate(loc):
        members = [member for each in here for member in _members(each)]
        if len(members) > len(here):
            here = members
        elif part != "[key]":
            here = [inner for each in members for inner in _inside(each, part)]
            yield part, index


def _members(annotation: object) -> list[object]:
    """The types of a union, without null; otherwise the annotation alone."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        members = [each for each in get_args(annotation) if each is not type(None)]
        return members if len(members) > 1 else _members(members[0])
    return [annotation]


def _inside(annotation: object, part: str | int) -> Iterator[object]:
    """What stands under a key or an index of something of this type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            if part in (name, info.alias):
                yield info.annotation
    elif get_origin(annotation) is dict:
        yield get_args(annotation)[1]
    elif get_origin(annotation) in (list, tuple):
        yield get_args(annotation)[0]


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that the model takes at the parent of ``path``."""
    here: list[object] = [model]
    for part in path[:-1]:
        here = [inner for each in here for inner in _inside(each, part)]
        here = [member for each in here for member in _members(each)]
    models = [each for each in here if isinstance(each, type) and issubclass(each, BaseModel)]
    return [info.alias or name for each in models for name, info in each.model_fields.items()]
