"""A notebook as the target of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from mlbench.errors import Problem, SpecError, nearest
from mlbench.seed import derive
from mlbench.spec.problems import problems_of
from mlbench.sweep.notebook import Notebook
from mlbench.sweep.plan import Plan
from mlbench.sweep.target import MOST_TOLD, Values, see_modules_beside
from mlbench.sweep.values import KeyPath, values_of, wrong_number

__all__ = ["NotebookTarget"]


class NotebookTarget:
    """A notebook; it is executed in the folder that it stands in."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.notebook = Notebook.read(Path(plan.target))
        self.folder = self.notebook.path.resolve().parent

    def check(self, combinations: Sequence[Values]) -> None:
        """Refuse names that the notebook does not declare, and values of other types."""
        found = [*self._without_kernel(), *self._wrong_seed()]
        found += [each for each in map(self._problem, values_of(self._plan)) if each]
        if found:
            raise SpecError(found[:MOST_TOLD])
        if self._plan.model is not None:
            _check_model(self._plan.model, combinations, self.folder)

    def _without_kernel(self) -> Iterator[Problem]:
        """A kernel that neither the plan nor the notebook names, or that is not installed."""
        name = self._plan.kernel or self.notebook.kernel
        if name is None:
            text = f"is missing, and {self.notebook.path.name} names no kernel (no kernelspec)"
            hint = "write kernel: python3, or choose a kernel in Jupyter and save the notebook"
            yield Problem(("kernel",), text, hint)
        elif name not in (known := _installed_kernels()):
            who = "the plan" if self._plan.kernel else self.notebook.path.name
            hint = f"{nearest(name, known)}; kernel: in the plan takes another one"
            yield Problem(("kernel",), f"no kernel {name!r} is installed, and {who} names it", hint)

    def _wrong_seed(self) -> Iterator[Problem]:
        seed_as = self._plan.seed_as
        if seed_as is not None and seed_as not in self.notebook.declared:
            problem = self.notebook.problem(("seed_as",), seed_as, 0)
            yield from [problem] if problem else []

    def _problem(self, given: tuple[KeyPath, str, Any]) -> Problem | None:  # Any: plain data
        path, name, value = given
        if wrong := wrong_number(path, value):
            return wrong
        if isinstance(value, tuple):
            return Problem(path, f"a tuple would come out as a list: write {list(value)}")
        return self.notebook.problem(path, name, value)

    def source(self) -> str:
        """Hash of its code cells."""
        return self.notebook.hash

    def hash_of(self, combination: int) -> str:  # noqa: ARG002  (of the protocol)
        """The same with all parameters."""
        return self.notebook.hash

    def code(self) -> dict[str, str]:
        """Nothing: what a notebook imports is known when it is executed."""
        return {}

    def seed_of(self, repeat: int, combination: int) -> int:  # noqa: ARG002  (of the protocol)
        """The same for all points of a repeat."""
        return derive(self._plan.seed, "repeat", repeat)


def _installed_kernels() -> list[str]:
    """The kernels that whoever executes a notebook from here finds."""
    from jupyter_client.kernelspec import KernelSpecManager

    return sorted(KernelSpecManager().find_kernel_specs())


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
