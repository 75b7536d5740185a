"""A spec file, checked: each problem with its line."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from os import PathLike

from mlbench.check.bench import problems
from mlbench.check.hardware import HERE, Hardware
from mlbench.errors import Problem, SpecError
from mlbench.spec import Benchmark, Document
from mlbench.spec.edit import override

__all__ = ["check_file"]


def check_file(
    file: str | PathLike[str], overrides: Iterable[str] = (), hardware: Hardware = HERE
) -> tuple[Benchmark, list[Problem]]:
    """The benchmark of a YAML file, and what keeps it from running, in the order of the file.

    Parameters
    ----------
    overrides
        ``path=value`` assignments, as ``--set`` takes them.

    Raises
    ------
    SpecError
        If the file holds no benchmark: with its unknown, missing and mistyped keys, and
        with what is wrong in the pipelines that have none of these.
    """
    document = override(Document.read(file), overrides)
    try:
        bench = document.benchmark()
    except SpecError as error:
        rest = _without(document, error.problems)
        raise SpecError(_in_order([*error.problems, *_located(rest, hardware)])) from None
    return bench, _in_order(document.located(problems(bench, hardware)))


def _without(document: Document, wrong: Iterable[Problem]) -> Document:
    """What is left of a document without each pipeline or other section that is wrong."""
    data = deepcopy(document.data)
    for problem in wrong:
        section, keys = data, problem.path
        if keys[:1] == ("pipelines",) and isinstance(data.get("pipelines"), dict):
            section, keys = data["pipelines"], keys[1:]
        if keys:
            section.pop(str(keys[0]), None)
    return Document({"name": "unnamed"} | data, document.places, document.file)


def _located(document: Document, hardware: Hardware) -> list[Problem]:
    try:
        bench = document.benchmark()
    except SpecError:  # what is left is no benchmark either; the first problems say why
        return []
    return document.located(problems(bench, hardware))


def _in_order(found: list[Problem]) -> list[Problem]:
    return sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0))
