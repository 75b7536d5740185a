"""A notebook as the target of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from mlbench.errors import Problem, SpecError
from mlbench.seed import derive
from mlbench.spec.problems import problems_of
from mlbench.sweep.notebook import Notebook
from mlbench.sweep.plan import Plan
from mlbench.sweep.target import MOST_TOLD, Values, see_modules_beside

__all__ = ["NotebookTarget"]

KeyPath = tuple["str | int", ...]


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

    def source(self) -> str:
        """Hash of its code cells."""
        return self.notebook.hash

    def hash_of(self, values: Values) -> str:  # noqa: ARG002  (of the protocol)
        """The same with all parameters."""
        return self.notebook.hash

    def code(self) -> dict[str, str]:
        """Nothing: what a notebook imports is known when it is executed."""
        return {}

    def seed_of(self, repeat: int, values: Values) -> int:  # noqa: ARG002  (of the protocol)
        """The same for all points of a repeat."""
        return derive(self._plan.seed, "repeat", repeat)


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
