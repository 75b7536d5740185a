"""What to write instead, where it takes the registry, or the folder of the spec, to know it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from mlbench.errors import Problem, RegistryError
from mlbench.registry import find
from mlbench.spec import Document

__all__ = ["hinted"]


def hinted(problems: Iterable[Problem], document: Document) -> list[Problem]:
    """The problems of a document, with further hints."""
    return [_hinted(problem, document) for problem in problems]


def _hinted(problem: Problem, document: Document) -> Problem:
    keys, value = problem.path, _value_at(document, problem)
    hint = ""
    if keys[-1:] == ("uses",) and isinstance(value, str) and ":" not in value:
        hint = _in_module(value, Path(document.file).resolve().parent)
    elif keys[2:] == ("load",) and isinstance(value, dict) and len(value) == 1:
        hint = _example_of(str(next(iter(value))))
    return replace(problem, hint=hint) if hint else problem


def _value_at(document: Document, problem: Problem) -> object:
    value: object = document.data
    for key in problem.path:
        value = value.get(str(key)) if isinstance(value, dict) else None
    return value


def _in_module(name: str, folder: Path) -> str:
    """The name as that of an object in a module beside the spec, or in the present directory."""
    *modules, attribute = name.split(".")
    if not modules or not all(map(str.isidentifier, modules)):
        return ""
    file = Path(*modules).with_suffix(".py")
    there = any((each / file).is_file() for each in (folder, Path()))
    return f"did you mean '{'.'.join(modules)}:{attribute}'?" if there else ""


def _example_of(name: str) -> str:
    """How a load with its options is written; empty where there is none of that name."""
    try:
        example = getattr(find("loads", name), "example", "")
    except (LookupError, RegistryError):  # the message stands without it
        return ""
    return f"such as {example}" if example else ""
