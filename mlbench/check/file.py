"""A whole spec, checked: of a file each problem has its line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from mlbench.check.bench import problems
from mlbench.check.hardware import HERE, Hardware
from mlbench.check.hints import hinted
from mlbench.check.reading import read
from mlbench.errors import Problem, SpecError
from mlbench.spec import Benchmark, Document
from mlbench.spec.edit import override
from mlbench.spec.request import named_modules

__all__ = ["check_data", "check_file"]

ALONE = frozenset(("load", "place", "uses", "with"))
"""Keys whose mistakes do not depend on the edges of a graph."""

ROUNDS = 4
"""How often what has become empty or incomplete is left out in turn, before a whole section."""


def check_file(
    file: str | PathLike[str],
    overrides: Iterable[str] = (),
    hardware: Hardware = HERE,
    in_study: bool = False,
) -> tuple[Benchmark, list[Problem]]:
    """The benchmark of a YAML file, and what keeps it from running, in the order of the file.

    A notebook or the plan of a sweep is told apart, with the command that takes it. If the
    file names something as ``module:object``, its folder becomes the first one of
    ``sys.path``, as that of a script does: so a module that stands beside it is found.

    Parameters
    ----------
    overrides
        ``path=value`` assignments, given by ``--set``.
    in_study
        Whether the rate of a load may be a share of a capacity that a study measures.

    Raises
    ------
    SpecError
        If the file holds no benchmark: with its unknown, missing and mistyped keys, and
        with whatever else is wrong in what is left without them.
    """
    document = override(read(file), overrides, "--set")
    try:
        bench = document.benchmark()
    except SpecError as error:
        rest = _rest(document, error.problems, hardware)
        found = hinted([*error.problems, *rest], document)
        raise SpecError(_in_order(found)) from None
    found = _problems(document, bench, hardware, in_study)
    return bench, _in_order(hinted(found, document))


def check_data(
    data: Mapping[str, Any],  # Any: plain data, as a YAML file holds it
    hardware: Hardware = HERE,
) -> tuple[Benchmark | None, list[Problem]]:
    """The benchmark of plain data, null if it is none, and what keeps it from running.

    Examples
    --------
    >>> bench, problems = check_data({"nme": "x"})
    >>> bench, [problem.key for problem in problems]
    (None, ['name', 'nme'])
    """
    document = Document(dict(data), {}, "")
    try:
        bench = document.benchmark()
    except SpecError as error:
        wrong = [*error.problems, *_rest(document, error.problems, hardware)]
        return None, [problem.at(None, None, None) for problem in wrong]
    return bench, problems(bench, hardware)


def _problems(
    document: Document, bench: Benchmark, hardware: Hardware, in_study: bool = False
) -> list[Problem]:
    """The problems of a benchmark, each with its line in the document that it stands in."""
    folder = str(Path(document.file).resolve().parent)
    if named_modules(bench) and folder not in sys.path:
        sys.path.insert(0, folder)
    return document.located(problems(bench, hardware, in_study))


def _rest(document: Document, wrong: Iterable[Problem], hardware: Hardware) -> list[Problem]:
    """What else is wrong, where each wrong key is left out.

    Of a pipeline that loses a key only what names, options, load and placement say for
    themselves is told: its edges may be wrong because the key is gone.
    """
    found = list(wrong)
    for left_out in (*[_without_keys] * ROUNDS, _without_sections):
        document = left_out(document, found)
        try:
            bench = document.benchmark()
        except SpecError as error:  # a key was needed: leave out all around it
            found += error.problems
            continue
        touched = {p.path[1] for p in found if p.path[:1] == ("pipelines",) and len(p.path) > 1}
        rest = _problems(document, bench, hardware)
        return [p for p in rest if p.path[1:2] and (p.path[1] not in touched or _alone(p))]
    return []


def _alone(problem: Problem) -> bool:
    """Whether a problem of a pipeline stands whatever its edges are."""
    return not ALONE.isdisjoint(problem.path[2:])


def _without_keys(document: Document, wrong: Iterable[Problem]) -> Document:
    """What is left of a document without each key that is wrong."""
    data = deepcopy(document.data)
    for problem in wrong:
        holder: object = data
        for key in problem.path[:-1]:
            holder = holder.get(str(key)) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and problem.path:
            holder.pop(str(problem.path[-1]), None)
    return replace(document, data={"name": "unnamed"} | data)


def _without_sections(document: Document, wrong: Iterable[Problem]) -> Document:
    """What is left of a document without each pipeline or other section that is wrong."""
    data = deepcopy(document.data)
    for problem in wrong:
        section, keys = data, problem.path
        if keys[:1] == ("pipelines",) and isinstance(data.get("pipelines"), dict):
            section, keys = data["pipelines"], keys[1:]
        if keys:
            section.pop(str(keys[0]), None)
    return replace(document, data={"name": "unnamed"} | data)


def _in_order(found: list[Problem]) -> list[Problem]:
    return sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0))
