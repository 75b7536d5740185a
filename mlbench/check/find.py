"""What a spec names: found in the registry, of the right kind, with its options checked."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from mlbench.check.fitting import fitting
from mlbench.check.nearby import nearby
from mlbench.check.references import is_reference, wrong_references
from mlbench.errors import Path, Problem, RegistryError
from mlbench.imports import without_plugins
from mlbench.interfaces.stage import Configurable, DataSource, Resource, Stage, class_of
from mlbench.registry import Group, find
from mlbench.spec import LocalName, Use
from mlbench.spec.choice import Choice
from mlbench.spec.problems import problems_of

__all__ = ["Found", "find_choice", "find_use"]

Model = TypeVar("Model", bound=BaseModel)
Kind = TypeVar("Kind", bound=Configurable)

_KINDS: tuple[tuple[type[Configurable], str, str], ...] = (
    (Stage, "a stage", "use it under 'stages'"),
    (DataSource, "a data set", "use it under 'data'"),
    (Resource, "a resource", "use it under 'resources'"),
)


@dataclass(frozen=True)
class Found(Generic[Model]):
    """What a name stands for, as far as it could be found.

    Parameters
    ----------
    kind
        Its class; null if nothing of the right kind has that name.
    made
        The class with its options; null if one of them is wrong.
    problems
        Why one of the two is missing.
    """

    kind: type[Model] | None = None
    made: Model | None = None
    problems: tuple[Problem, ...] = ()


def find_use(use: Use, wanted: type[Kind], resources: Mapping[str, Use], path: Path) -> Found[Kind]:
    """The configured stage, data set or resource that ``use`` names.

    Parameters
    ----------
    wanted
        `Stage`, `DataSource` or `Resource`.
    resources
        Those of the pipeline, which options may refer to.
    path
        Of the use in the spec.
    """
    target = _named(use.uses, "stages", "stage, data set or resource", (*path, "uses"))
    if isinstance(target, Problem):
        return Found(problems=(target,))
    kind = _kind_of(target, use.uses, wanted, (*path, "uses"))
    if isinstance(kind, Problem):
        return Found(problems=(kind,))
    at = (*path, "with")
    found = [*wrong_references(kind, use.with_, resources, at), *_not_plain(use, at)]
    known = {problem.path for problem in found}
    made, wrong = _configure(kind, use.with_, at)
    found += [_with_resource(each, kind, resources) for each in wrong if each.path not in known]
    return Found(kind, None if found else made, tuple(found))


def find_choice(choice: Choice, group: Group, wanted: type[Model], path: Path) -> Found[Model]:
    """The configured load or placement method that ``choice`` names."""
    noun = {"loads": "load", "probes": "probe"}.get(group, "placement method")
    target = _named(choice.name, group, noun, (*path, choice.name))
    if isinstance(target, Problem):
        return Found(problems=(target,))
    if not (isinstance(target, type) and issubclass(target, wanted)):
        return Found(problems=(Problem((*path, choice.name), f"{choice.name!r} is no {noun}"),))
    at = (*path, choice.name)
    made, wrong = _configure(target, choice.options, at)
    return Found(target, made, tuple(wrong))


def _named(name: str, group: Group, noun: str, path: Path) -> object:
    """The object that the name stands for, or the problem with it."""
    if isinstance(name, LocalName):
        return name.target
    try:
        return find(group, name)
    except LookupError as error:
        if ":" in name:
            return Problem(path, str(error), nearby(name))
        return Problem(path, f"{name!r} is no registered {noun}", str(error))
    except RegistryError as error:
        return Problem(path, str(error))


def _kind_of(target: object, name: str, wanted: type[Kind], path: Path) -> type[Kind] | Problem:
    noun = next(text for kind, text, _ in _KINDS if kind is wanted)
    try:
        found = class_of(target)
    except Exception as error:  # a stage may come from any module: its mistake is reported
        return Problem(path, f"{name!r} cannot be used: {type(error).__name__}: {error}")
    if found is None:
        hint = "mark the function with @mlbench.stage" if inspect.isfunction(target) else ""
        return Problem(path, f"{name!r} is not {noun}", hint)
    if inspect.isabstract(found):
        return Problem(path, f"{name!r} has no method 'open'")
    if issubclass(found, wanted):
        return found
    for kind, text, hint in _KINDS:
        if issubclass(found, kind):
            return Problem(path, f"{name!r} is {text}, not {noun}", hint)
    return Problem(path, f"{name!r} is not {noun}")


def _with_resource(
    problem: Problem, kind: type[Configurable], resources: Mapping[str, Use]
) -> Problem:
    """The problem; if a resource is missing, with the one that fits."""
    key = str(problem.path[-1])
    field = kind.model_fields.get(key)
    if problem.message != "is missing" or field is None or not is_reference(field):
        return problem
    return replace(problem, hint=fitting(key, field, resources))


def _not_plain(use: Use, path: Path) -> Iterator[Problem]:
    """Options that only live in this process: the engine could not be told them."""
    for key, value in use.with_.items():
        try:
            Use(uses=use.uses, with_={key: value}).plain()
        except Exception:  # a foreign object may raise anything: the key is named
            text = "expected text, numbers, lists or 'key: value' pairs"
            yield Problem((*path, key), f"{text}, not {type(value).__name__}")


def _configure(
    kind: type[Model], options: Mapping[str, Any], path: Path
) -> tuple[Model | None, list[Problem]]:
    """The class with its options, or what is wrong with them."""
    try:
        with without_plugins(kind):
            return kind.model_validate(dict(options)), []
    except ValidationError as error:
        found = problems_of(error, kind)
        return None, [Problem((*path, *one.path), one.message, one.hint) for one in found]
    except Exception as error:  # a stage's own validator may raise anything: it is reported
        return None, [Problem(path, f"does not validate: {type(error).__name__}: {error}")]
