"""The load of a pipeline: found, with its rate, or the share of a capacity in place of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mlbench.check.find import Found, find_choice
from mlbench.errors import Path, Problem, nearest
from mlbench.interfaces.load import LoadModel
from mlbench.spec.choice import Load

__all__ = ["find_load"]

SHARE, RATE = "utilisation", "rate"
"""The option that stands in place of the other in a study."""

ANY_RATE = 1.0
"""A rate, queries/s, for looking at a load whose share of the capacity is not known yet."""


def find_load(load: Load, path: Path, in_study: bool) -> Found[LoadModel]:
    """The configured load that a pipeline names.

    Parameters
    ----------
    in_study
        Whether its rate may be a share of the capacity; else that is a mistake.
    """
    found = find_choice(load, "loads", LoadModel, path)
    if found.kind is None or RATE not in found.kind.model_fields:
        return _with_example(found)
    if load.utilisation is None:
        return _with_example(replace(found, problems=tuple(_spelt(found.problems))))
    rated = find_choice(load.at(ANY_RATE), "loads", LoadModel, path)
    wrong = () if in_study else (_without_rate(load, (*path, load.name)),)
    return _with_example(replace(rated, problems=(*wrong, *rated.problems)))


def _without_rate(load: Load, path: Path) -> Problem:
    """A share of a capacity that only a study measures, where a rate is needed."""
    text = f"a share of the capacity, such as {load.utilisation!r}, needs a study to measure it"
    hint = "write rate: and queries per second, or use mlbench collocate"
    return Problem((*path, SHARE), text, hint)


def _spelt(problems: Sequence[Problem]) -> Iterator[Problem]:
    """The problems, where a wrong key may mean the share: then no rate is missing."""
    meant = {each.path for each in problems if _means_share(each)}
    for problem in problems:
        if problem.path in meant:
            yield replace(problem, hint=f"did you mean {SHARE!r}?")
        elif not (meant and problem.path[-1] == RATE):
            yield problem


def _means_share(problem: Problem) -> bool:
    key = str(problem.path[-1])
    return key != RATE and nearest(key, [SHARE]) == f"did you mean {SHARE!r}?"


def _with_example(found: Found[LoadModel]) -> Found[LoadModel]:
    """The same, with an example where an option is missing."""
    if found.kind is None or not found.kind.example:
        return found
    hint = f"such as {found.kind.example}"
    told = (
        replace(each, hint=hint) if each.message == "is missing" else each
        for each in found.problems
    )
    return replace(found, problems=tuple(told))
