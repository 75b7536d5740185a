"""A file where a spec is expected: read, unless it is something that another command takes."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path

from mlbench.errors import Problem, SpecError
from mlbench.spec import Benchmark, Document
from mlbench.spec import load as load_spec

__all__ = ["load", "read"]

NOTEBOOK = ".ipynb"
OF_A_PLAN = frozenset(("notebook", "spec", "parameters"))
"""Keys of which the plan of a sweep has one, and a spec none (`mlbench.sweep.plan`)."""


def read(file: str | PathLike[str]) -> Document:
    """The document in a file.

    Raises
    ------
    SpecError
        If it cannot be read, is not YAML, or is a notebook or a plan: with the command for it.
    """
    path = Path(file)
    if path.suffix == NOTEBOOK and path.is_file():
        hint = f"a plan with 'notebook: {path.name}' executes it: mlbench sweep PLAN"
        raise SpecError([Problem((), "is a notebook, not a spec", hint, fspath(file))])
    document = Document.read(file)
    if _is_plan(document.data):
        hint = f"mlbench sweep {fspath(file)}"
        raise SpecError([Problem((), "is the plan of a sweep, not a spec", hint, fspath(file))])
    return document


def _is_plan(data: Mapping[str, object]) -> bool:
    return "pipelines" not in data and not OF_A_PLAN.isdisjoint(data)


def load(file: str | PathLike[str]) -> Benchmark:
    """The benchmark that a YAML file describes; imports nothing that it names.

    If it names something as ``module:object``, its folder becomes the last one of
    ``sys.path``, so that a module that stands beside it is found.

    Raises
    ------
    SpecError
        With every unknown, missing or mistyped key, its line and the nearest valid name. What
        is wrong with names, options and edges shows when it is started, or with
        `mlbench check`, which the message names.
    """
    try:
        return load_spec(file)
    except SpecError as error:
        found = error
    read(file)  # what is no spec at all has a message of its own
    told = f"`mlbench check {fspath(file)}` names all mistakes, in names, options and edges too"
    found.args = (f"{found}\n{told}",)
    raise found
