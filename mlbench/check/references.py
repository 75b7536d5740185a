"""References: fields of a stage that name a resource of its pipeline, ``$lm``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mlbench.check.fitting import fitting
from mlbench.errors import Path, Problem, nearest
from mlbench.interfaces.stage import Ref, Resource
from mlbench.spec import Use

__all__ = ["is_reference", "wrong_references"]

_MARK = get_args(Ref)[1].metadata


def is_reference(field: FieldInfo) -> bool:
    """Whether a field takes the name of a resource, or several of them."""
    return any(mark in field.metadata for mark in _MARK) or _mentions(field.annotation)


def _mentions(annotation: object) -> bool:
    return annotation == Ref or any(_mentions(part) for part in get_args(annotation))


def _takes_names(field: FieldInfo) -> bool:
    """Whether it takes a plain name beside a reference: ``Literal["small"] | Ref``."""
    parts = get_args(field.annotation)
    return any(part is str or get_origin(part) is Literal for part in parts)


def wrong_references(
    kind: type[BaseModel], options: Mapping[str, Any], resources: Mapping[str, Use], path: Path
) -> Iterator[Problem]:
    """Options that name no resource, or name one where nothing takes it."""
    fields = {info.alias or name: info for name, info in kind.model_fields.items()}
    for key, value in options.items():
        takes = key in fields and is_reference(fields[key])
        names = takes and _takes_names(fields[key])
        for at, text in _texts(value, (*path, key)):
            if names and not text.startswith("$") and text not in resources:
                continue
            problem = _wrong(text, takes, issubclass(kind, Resource), resources, at)
            if problem is not None and takes and not issubclass(kind, Resource):
                yield _with_fitting(problem, key, fields[key], resources)
            elif problem is not None:
                yield problem


def _with_fitting(
    problem: Problem, key: str, field: FieldInfo, resources: Mapping[str, Use]
) -> Problem:
    """The problem of a reference, with the resource that fits where none is called alike."""
    if problem.hint.startswith("did you mean"):
        return problem
    hint = fitting(key, field, resources)
    return replace(problem, hint=hint or problem.hint)


def _texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in an option, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _texts(part, (*path, index))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _texts(part, (*path, str(key)))


def _wrong(
    text: str, takes: bool, in_resource: bool, resources: Collection[str], path: Path
) -> Problem | None:
    name = text.removeprefix("$")
    if in_resource and text.startswith("$") and (takes or name in resources):
        return Problem(path, "a resource cannot refer to another one")
    if takes and not text.startswith("$"):
        hint = f"did you mean '${text}'?" if text in resources else ""
        return Problem(path, f"expected a resource, such as '$model', not {text!r}", hint)
    if takes and name not in resources:
        hint = nearest(name, resources) or "the pipeline has no 'resources'"
        return Problem(path, f"{text!r} names no resource", hint)
    if not takes and text.startswith("$") and name in resources:
        return Problem(path, f"takes no reference to a resource, but there is one: {text!r}")
    return None
