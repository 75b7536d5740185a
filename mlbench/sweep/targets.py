"""What the points of a plan execute, checked with the parameters of each before any starts."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from mlbench.errors import Problem, SpecError
from mlbench.seed import derive
from mlbench.spec import Benchmark, Document
from mlbench.spec.edit import override
from mlbench.spec.problems import problems_of
from mlbench.spec.request import named_modules, spec_hash
from mlbench.sweep.notebook import Notebook
from mlbench.sweep.plan import Plan

__all__ = ["NotebookTarget", "SpecTarget", "Target", "bench_of", "target_of"]

Values = Mapping[str, Any]
"""Parameters of a point, by name; Any: plain data."""

KeyPath = tuple["str | int", ...]

MOST_TOLD = 20
"""Mistakes that are told at once."""


class Target(Protocol):
    """A notebook or a spec."""

    folder: Path

    def check(self, combinations: Sequence[Values]) -> None:
        """Refuse parameters that it does not take.

        Raises
        ------
        SpecError
            With every mistake.
        """

    def text(self) -> bytes:
        """What is kept with the sweep, and executed."""

    def hash_of(self, values: Values) -> str:
        """Hash of its source, of a spec with these parameters, 16 hex digits."""

    def code(self) -> dict[str, str]:
        """SHA-256 of the modules that it names, by name."""

    def seed_of(self, plan: Plan, repeat: int, values: Values) -> int:
        """The seed of a point."""


def target_of(plan: Plan) -> Target:
    """What the plan names.

    Raises
    ------
    SpecError
        If its file cannot be read.
    """
    return SpecTarget(plan) if plan.notebook is None else NotebookTarget(plan)


class NotebookTarget:
    """A notebook; it is executed in the folder that it stands in."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.notebook = Notebook.read(Path(plan.target))
        self.folder = self.notebook.path.resolve().parent

    def check(self, combinations: Sequence[Values]) -> None:
        """Refuse names that the notebook does not declare, and values of other types."""
        found = [each for each in map(self._problem, _values(self._plan)) if each]
        seed_as = self._plan.seed_as
        if seed_as is not None and seed_as not in self.notebook.declared:
            problem = self.notebook.problem(("seed_as",), seed_as, 0)
            found += [problem] if problem else []
        if found:
            raise SpecError(found[:MOST_TOLD])
        if self._plan.model is not None:
            _check_model(self._plan.model, combinations, self.folder)

    def _problem(self, given: tuple[KeyPath, str, Any]) -> Problem | None:  # Any: plain data
        path, name, value = given
        if isinstance(value, float) and not isfinite(value):
            return Problem(path, f"expected a finite number, not {value}")
        if isinstance(value, tuple):
            return Problem(path, f"a tuple would come out as a list: write {list(value)}")
        return self.notebook.problem(path, name, value)

    def text(self) -> bytes:
        """The file as it stands."""
        return self.notebook.path.read_bytes()

    def hash_of(self, values: Values) -> str:  # noqa: ARG002  (of the protocol)
        """Of its code cells."""
        return self.notebook.hash

    def code(self) -> dict[str, str]:
        """Nothing: what a notebook imports is known when it is executed."""
        return {}

    def seed_of(self, plan: Plan, repeat: int, values: Values) -> int:  # noqa: ARG002  (protocol)
        """The same for all points of a repeat."""
        return derive(plan.seed, "repeat", repeat)


class SpecTarget:
    """A spec; it is executed in the directory in which the plan is made, as ``run`` does."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._path = Path(plan.target)
        self._document = Document.read(self._path)
        self._benches: dict[str, Benchmark] = {}
        self.folder = Path.cwd()
        see_modules_beside(self._path)

    def check(self, combinations: Sequence[Values]) -> None:
        """Refuse paths and values that make no spec, or one that cannot run here."""
        found: dict[str, Problem] = {}
        for values in combinations:
            for problem in self._problems(values):
                found.setdefault(str(problem), _with(problem, values))
            if len(found) >= MOST_TOLD:
                break
        if found:
            raise SpecError(list(found.values()))

    def _problems(self, values: Values) -> list[Problem]:
        from mlbench.check import problems
        from mlbench.collocation.mistakes import mistakes

        try:
            bench = self._bench(values)
        except SpecError as error:
            return list(error.problems)
        found = mistakes(bench) if self._plan.kind == "study" else problems(bench)
        if bench.study.placements and self._plan.kind == "study":
            text = "has variants, and each would be a study of its own"
            found.append(Problem(("study", "placements"), text, "make them values of a parameter"))
        return self._document.located(found)

    def _bench(self, values: Values) -> Benchmark:
        key = json.dumps(values, sort_keys=True)
        if key not in self._benches:
            self._benches[key] = bench_of(self._document, values)
        return self._benches[key]

    def text(self) -> bytes:
        """The file as it stands."""
        return self._path.read_bytes()

    def hash_of(self, values: Values) -> str:
        """Of the spec with these parameters and all defaults."""
        return spec_hash(self._bench(values))

    def code(self) -> dict[str, str]:
        """The files of the modules that the specs name."""
        from mlbench.launch import code_of

        found = {}
        modules = {tuple(named_modules(bench)): bench for bench in self._benches.values()}
        for bench in modules.values():
            found.update({name: each.sha256 for name, each in code_of(bench)[1].items()})
        return found

    def seed_of(self, plan: Plan, repeat: int, values: Values) -> int:  # noqa: ARG002  (protocol)
        """The spec's own in the first repeat, one that derives from it in each further one."""
        seed = self._bench(values).seed
        return seed if repeat == 0 else derive(seed, "repeat", repeat)


def bench_of(document: Document, values: Values) -> Benchmark:
    """The benchmark of a spec with parameters set, as ``--set`` sets them.

    Raises
    ------
    SpecError
        If a path leads nowhere, or a value is not what stands there.
    """
    assignments = [f"{path}={json.dumps(value)}" for path, value in values.items()]
    return override(document, assignments).benchmark()


def _with(problem: Problem, values: Values) -> Problem:
    """The problem, and with which parameters it is there."""
    given = ", ".join(f"{name}={value!r}" for name, value in values.items())
    return replace(problem, message=f"{problem.message}, with {given}") if given else problem


def see_modules_beside(path: Path) -> None:
    """Let a spec name modules that stand beside it, or where the process was started."""
    for folder in (str(path.resolve().parent), os.getcwd()):
        if folder not in sys.path:
            sys.path.append(folder)


def _values(plan: Plan) -> Iterator[tuple[KeyPath, str, Any]]:  # Any: plain data
    """Every value of every parameter once, and where it stands in the plan."""
    given, top = plan.parameters, "parameters"
    for name, value in given.fixed.items():
        yield (top, "fixed", name), name, value
    for section in ("grid", "zip"):
        for name, column in getattr(given, section).items():
            for index, value in enumerate(column):
                yield (top, section, name, index), name, value
    for index, point in enumerate(given.points):
        for name, value in point.items():
            yield (top, "points", index, name), name, value
    if given.random is not None:
        for row in given.random.values(plan.seed):
            for name, value in row.items():
                yield (top, "random", "of", name), name, value


def _check_model(name: str, combinations: Sequence[Values], folder: Path) -> None:
    """Have a pydantic model look at each set of parameters."""
    model = _model(name, folder)
    for index, values in enumerate(combinations):
        try:
            model.model_validate(dict(values), strict=True)
        except ValidationError as error:
            found = problems_of(error, model)
            told = f"(point {index}, by {name})"
            raise SpecError(
                [Problem(("parameters", *p.path), f"{p.message} {told}", p.hint) for p in found]
            ) from None


def _model(name: str, folder: Path) -> type[BaseModel]:
    module, _, attribute = name.partition(":")
    see_modules_beside(folder / "plan.yml")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SpecError([Problem(("model",), f"{name} is not there: {error}")]) from None
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise SpecError([Problem(("model",), f"{name} is no pydantic model")])
    return found


def short_hash(data: object) -> str:
    """SHA-256 of plain data as JSON, 16 hex digits; the order of keys counts for nothing."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
