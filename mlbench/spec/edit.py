"""Edits of a spec by path: ``pipelines.rag.load.poisson.rate=0.5``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import yaml

from mlbench.errors import Path, Problem, SpecError, nearest
from mlbench.spec.document import Document, parse_scalar

__all__ = ["keys_of", "override"]

EXPECTED = "expected path=value, such as seed=7"

_KEY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([^."'=\s][^."'=]*?))\s*(?=[.=]|$)""")
"""One key of a path; in quotes it may hold what separates keys."""


def override(document: Document, assignments: Iterable[str], option: str = "") -> Document:
    """The document with each ``path=value`` set; what is not there yet is made.

    Parameters
    ----------
    option
        What the assignments were given by, such as ``--set``: the place of the mistakes that
        they bring in. Default: where the nearest key stands in the text.

    Raises
    ------
    SpecError
        If an assignment has no ``=``, its value is not YAML, or its path leads through
        something that has no keys, or through a pipeline, stage or resource that there is not.
    """
    edited = replace(document, data=deepcopy(document.data))
    problems: list[Problem] = []
    for text in assignments:
        try:
            edited = _assigned(edited, text, option)
        except SpecError as error:
            problems += error.problems
    problems += edited.located(list(_half_made(document.data, edited.data)))
    if problems:
        raise SpecError(problems)
    return edited


def _assigned(document: Document, text: str, option: str) -> Document:
    place = f"{option} {text}".lstrip()
    keys, rest = _split(text)
    if not keys or not rest.startswith("="):
        raise SpecError([Problem((), EXPECTED, _hint(text), place)])
    value = rest[1:]
    try:
        parsed = parse_scalar(value)
    except (yaml.YAMLError, SpecError):
        raise SpecError([_misplaced(keys, f"{value!r} is not a YAML value", place)]) from None
    here: Any = document.data
    path: Path = ()
    for key in keys[:-1]:
        path = (*path, _in(here, key))
        here = _enter(here, key)
        if here is None:
            raise SpecError([_misplaced(keys, f"{_dotted(path)!r} has no keys to set", place)])
    path = (*path, _in(here, keys[-1]))
    if not _put(here, keys[-1], parsed):
        raise SpecError([_misplaced(keys, f"there is no place {keys[-1]!r}", place)])
    return _noted(document, path, place) if option else document


def _misplaced(keys: Path, told: str, place: str) -> Problem:
    return Problem(keys, told, file=place)


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _in(here: Any, key: str) -> str | int:  # Any: plain data
    """The key as the path of what stands under it has it."""
    return int(key) if isinstance(here, list) and key.isdigit() else key


def _noted(document: Document, path: Path, place: str) -> Document:
    """The document with the edit as the place of what it changed, and of what it made."""
    depth = len(path)
    places = {key: at for key, at in document.places.items() if key[:depth] != path}
    edits = {key: at for key, at in document.edits.items() if key[:depth] != path}
    made = (path[:length] for length in range(1, depth))
    edits |= {key: place for key in made if key not in places and key not in edits}
    return replace(document, places=places, edits={**edits, path: place})


def _half_made(before: Any, after: Any) -> Iterator[Problem]:  # Any: plain data
    """Pipelines, stages and resources that only an edit of one that is not there has made."""
    yield from _unknown(before, after, ("pipelines",), "data")
    for name, pipeline in _mapping(after, "pipelines").items():
        old = _mapping(before, "pipelines").get(name)
        for section in ("stages", "resources") if old else ():
            yield from _unknown(old, pipeline, ("pipelines", name, section), "uses")


def _unknown(before: Any, after: Any, path: Path, needed: str) -> Iterator[Problem]:
    """New members of the section at ``path`` without the key that each has to have."""
    section = str(path[-1])
    known = _mapping(before, section)
    for name, member in _mapping(after, section).items():
        if name not in known and isinstance(member, dict) and needed not in member:
            text = f"there is no {section[:-1]} {name!r}"
            yield Problem((*path, name), text, nearest(name, known))


def _mapping(data: Any, key: str) -> dict[str, Any]:  # Any: plain data
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


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
