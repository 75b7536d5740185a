"""Which parameter of a plan makes a mistake in a spec, and where the plan has its value."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from mlbench.errors import Problem
from mlbench.spec.edit import keys_of
from mlbench.sweep.plan import Plan
from mlbench.sweep.target import Values
from mlbench.sweep.values import KeyPath, values_of

__all__ = ["Check", "placed"]

Check = Callable[[Values], Sequence[Problem]]
"""All mistakes of the spec with some parameters set."""


def placed(problem: Problem, values: Values, plan: Plan, check: Check) -> Problem:
    """The problem where the plan has the value that makes it, for the line of the plan.

    Its message says where it stands in the spec then, and in any case with which parameters it
    is there. One that no parameter makes stays where it is.
    """
    given = ", ".join(f"{name}={value!r}" for name, value in values.items())
    told = replace(problem, message=f"{problem.message}, with {given}") if given else problem
    name = _culprit(problem, values, check)
    path = None if name is None else _path(name, values, plan)
    if path is None:
        return told
    inside = told.file if told.line else None  # else it is the assignment, which the plan has
    message = str(replace(told, hint="", file=inside))
    return Problem(path, message, told.hint)


def _culprit(problem: Problem, values: Values, check: Check) -> str | None:
    """The parameter whose value holds the mistake, or without which it would not be there."""
    holding = [name for name in values if _leads_to(name, problem)]
    if holding:
        return max(holding, key=lambda name: len(keys_of(name) or ()))
    mine, before = _identity(problem), _found(check, values)
    for name in values:
        after = _found(check, {each: values[each] for each in values if each != name})
        if mine not in after and after <= before:  # not only hidden by another mistake
            return name
    return None


def _found(check: Check, values: Values) -> set[tuple[KeyPath, str]]:
    return set(map(_identity, check(values)))


def _leads_to(name: str, problem: Problem) -> bool:
    keys = keys_of(name) or ()
    return bool(keys) and keys == tuple(map(str, problem.path[: len(keys)]))


def _identity(problem: Problem) -> tuple[KeyPath, str]:
    return problem.path, problem.message


def _path(name: str, values: Values, plan: Plan) -> KeyPath | None:
    """Where a plan has the value that a point has."""
    wanted = json.dumps(values[name])
    found = (
        path
        for path, each, value in values_of(plan)
        if each == name and json.dumps(value) == wanted
    )
    return next(found, None)
