"""Edits of a spec by path: ``pipelines.rag.load.poisson.rate=0.5``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import yaml

from mlbench.errors import Problem, SpecError
from mlbench.spec.document import Document, parse_scalar

__all__ = ["keys_of", "override"]

_KEY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([^."'=\s][^."'=]*?))\s*(?=[.=]|$)""")
"""One key of a path; in quotes it may hold what separates keys."""


def override(document: Document, assignments: Iterable[str]) -> Document:
    """The document with each ``path=value`` set; what is not there yet is made.

    Raises
    ------
    SpecError
        If an assignment has no ``=``, its value is not YAML, or its path leads through
        something that has no keys.
    """
    data = deepcopy(document.data)
    problems = [problem for text in assignments if (problem := _assign(data, text))]
    if problems:
        raise SpecError(problems)
    return Document(data, document.places, document.file)


def _assign(data: dict[str, Any], text: str) -> Problem | None:  # Any: plain data
    keys, rest = _split(text)
    if not keys or not rest.startswith("="):
        return Problem((), f"--set {text!r}: expected path=value, such as seed=7", _hint(text))
    value = rest[1:]
    try:
        parsed = parse_scalar(value)
    except (yaml.YAMLError, SpecError):
        return Problem(keys, f"--set: {value!r} is not a YAML value")
    here: Any = data
    for depth, key in enumerate(keys[:-1]):
        here = _enter(here, key)
        if here is None:
            return Problem(keys, f"--set: {'.'.join(keys[: depth + 1])!r} has no keys to set")
    if not _put(here, keys[-1], parsed):
        return Problem(keys, f"--set: there is no place {keys[-1]!r}")
    return None


def keys_of(path: str) -> tuple[str, ...] | None:
    """The keys of a path, null if it is none; a name with a dot or ``=`` in it is quoted.

    Examples
    --------
    >>> keys_of('pipelines."a.b".load')
    ('pipelines', 'a.b', 'load')
    """
    keys, rest = _split(path)
    return None if rest else keys


def _split(text: str) -> tuple[tuple[str, ...], str]:
    """The keys that a text begins with, and what follows them; no keys where there is no path."""
    keys: list[str] = []
    at = 0
    while match := _KEY.match(text, at):
        keys.append(next(part for part in match.groups() if part is not None))
        at = match.end()
        if text[at : at + 1] != ".":
            return tuple(keys), text[at:]
        at += 1
    return (), text


def _hint(text: str) -> str:
    quoted = any(mark in text for mark in "\"'")
    return """quotes stand around a whole name: pipelines."a.b".load""" if quoted else ""


def _enter(here: Any, key: str) -> Any:  # Any: plain data
    if isinstance(here, dict):
        if here.get(key) is None:
            here[key] = {}
        child = here[key]
    elif isinstance(here, list) and key.isdigit() and int(key) < len(here):
        child = here[int(key)]
    else:
        return None
    return child if isinstance(child, dict | list) else None


def _put(here: Any, key: str, value: Any) -> bool:  # Any: plain data
    if isinstance(here, dict):
        here[key] = value
        return True
    if isinstance(here, list) and key.isdigit() and int(key) < len(here):
        here[int(key)] = value
        return True
    return False
