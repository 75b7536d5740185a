"""A NumPy docstring in its parts: what it says, and what it says of each parameter."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Docstring", "docstring_of"]


@dataclass(frozen=True)
class Docstring:
    """The text before the sections, and one line for each parameter."""

    text: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def docstring_of(described: object) -> Docstring:
    """The docstring of a class or a function, in its parts.

    Parameters that are described together, ``seconds, settle``, each get all of it.

    Examples
    --------
    >>> from mlbench.spec.benchmark import Timeouts
    >>> docstring_of(Timeouts).parameters["grace"]
    'For a worker to close its stages, before it is killed.'
    """
    lines = (inspect.getdoc(described) or "").splitlines()
    sections = _sections(lines)
    text = "\n".join(sections.pop("", [])).strip()
    return Docstring(text, _parameters(sections.get("Parameters", [])))


def _sections(lines: list[str]) -> dict[str, list[str]]:
    """The lines of each section, by its title; those before the first by an empty one."""
    found: dict[str, list[str]] = {"": []}
    title = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line and following and set(following) == {"-"}:
            title = line.strip()
            found[title] = []
        elif not (line and set(line) == {"-"}):
            found[title].append(line)
    return found


def _parameters(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        if line.startswith(" "):
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip()
        elif line:
            names = [name.strip() for name in line.split(",")]
    return found
