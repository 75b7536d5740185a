"""The sets of parameters that a plan asks for, those that a condition leaves out left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from mlbench.errors import Problem, SpecError
from mlbench.sweep.condition import Condition, ConditionError
from mlbench.sweep.plan import Parameters, Plan

__all__ = ["MOST", "Combinations", "combinations_of"]

MOST = 1_000_000
"""Points of one plan: more are a mistake in it."""

Values = dict[str, Any]
"""Parameters of one point, by name; Any: plain data."""


@dataclass(frozen=True)
class Combinations:
    """Sets of parameters, each once, and how many were left out by a condition."""

    values: tuple[Values, ...]
    skipped: int


def combinations_of(plan: Plan) -> Combinations:
    """What the plan asks for.

    Raises
    ------
    SpecError
        If a condition is wrong, nothing is left, or there are too many.

    Examples
    --------
    >>> grid = {"cpus": [1, 2], "model": ["small", "big"]}
    >>> skip = "cpus == 1 and model == 'big'"
    >>> plan = Plan(notebook="a.ipynb", parameters={"grid": grid}, skip=skip)
    >>> [each["model"] for each in combinations_of(plan).values], combinations_of(plan).skipped
    (['small', 'small', 'big'], 1)
    """
    count = _count(plan.parameters)
    if count * plan.repeats > MOST:
        text = f"makes {count * plan.repeats:,} points, and {MOST:,} are the most"
        raise SpecError([Problem(("parameters",), text)])
    names = [name for section in plan.parameters.sections().values() for name in section]
    conditions = list(_conditions(plan, names))
    every = list(_every(plan))
    kept = tuple(each for each in every if not _is_skipped(each, conditions))
    if not kept:
        raise SpecError([Problem(("skip",), f"leaves out all {count} points")])
    return Combinations(kept, len(every) - len(kept))


def _count(parameters: Parameters) -> int:
    count = 1
    for column in parameters.grid.values():
        count *= len(column)
    zipped = next(iter(parameters.zip.values()), (None,))
    draws = parameters.random.draws if parameters.random else 1
    return count * len(zipped) * draws * max(1, len(parameters.points))


def _every(plan: Plan) -> Iterator[Values]:
    given = plan.parameters
    grid = [dict(zip(given.grid, values, strict=True)) for values in product(*given.grid.values())]
    rows = zip(*given.zip.values(), strict=True)
    zipped = [dict(zip(given.zip, values, strict=True)) for values in rows] or [{}]
    drawn = given.random.values(plan.seed) if given.random else [{}]
    points = [dict(each) for each in given.points] or [{}]
    for parts in product(grid, zipped, drawn, points):
        yield {**given.fixed, **{name: value for part in parts for name, value in part.items()}}


def _conditions(plan: Plan, names: list[str]) -> Iterator[tuple[int, Condition]]:
    for index, text in enumerate(plan.skip):
        try:
            yield index, Condition(text, names)
        except ConditionError as error:
            raise SpecError([Problem(("skip", index), f"{text!r}: {error}")]) from None


def _is_skipped(values: Values, conditions: list[tuple[int, Condition]]) -> bool:
    for index, condition in conditions:
        try:
            if condition.holds(values):
                return True
        except ConditionError as error:
            raise SpecError([Problem(("skip", index), f"{condition.text!r} {error}")]) from None
    return False
