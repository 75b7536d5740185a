"""Validation errors of pydantic, told as problems of a spec."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mlbench.errors import Problem, nearest

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
}


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every error as a problem: one for each place, with what was expected and what was there."""
    found: dict[tuple[str | int, ...], Problem] = {}
    for item in error.errors(include_url=False):
        path = tuple(part for part in item["loc"] if not _is_union_label(part))
        problem = _problem(path, dict(item), model)
        found.setdefault(path, problem)
    return list(found.values())


def _is_union_label(part: str | int) -> bool:
    """Whether pydantic, not the user, put this part into the path (a branch of a union)."""
    text = str(part)
    return "[" in text and text.endswith("]") or text in ("str", "constrained-str")


def _problem(path: tuple[str | int, ...], item: dict[str, Any], model: type[BaseModel]) -> Problem:
    kind = item["type"]
    if kind == "extra_forbidden":
        return Problem(path, "is not a key here", nearest(str(path[-1]), _keys_at(model, path)))
    message = _TEXT.get(kind) or item["msg"].removeprefix("Value error, ")
    if kind not in ("missing", "value_error"):
        message = f"{message}, not {_short(item['input'])}"
    return Problem(path, message[0].lower() + message[1:])


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that the model takes at the parent of ``path``."""
    current: object = model
    for part in path[:-1]:
        current = _step(current, part)
    for candidate in _models(current):
        return [field.alias or name for name, field in candidate.model_fields.items()]
    return []


def _step(annotation: object, part: str | int) -> object:
    for candidate in _models(annotation):
        for name, info in candidate.model_fields.items():
            if part in (name, info.alias):
                return info.annotation
    return annotation


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """The models inside an annotation: its own, those of a union, the values of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    if get_origin(annotation) in (Union, UnionType, dict, tuple):
        for argument in get_args(annotation):
            yield from _models(argument)
