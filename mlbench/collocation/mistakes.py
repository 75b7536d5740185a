"""Everything that is wrong with a study, found before anything starts."""

from __future__ import annotations

from collections.abc import Iterator

from mlbench.check import problems
from mlbench.collocation.capacity import with_rates, wrong_utilisations
from mlbench.collocation.dial import turned, wrong_dial
from mlbench.collocation.variants import PATH, variants_of, wrong_variants
from mlbench.errors import Problem, RegistryError
from mlbench.registry import find
from mlbench.spec import Benchmark

__all__ = ["mistakes"]

NO_WINDOW = "all queries are due at once, so a study has no window in which the load is steady"

INSTEAD = "take load: closed, or load: {poisson: {utilisation: 0.7}}"


def mistakes(bench: Benchmark) -> list[Problem]:
    """Every mistake in a benchmark as ``collocate`` runs it: all variants, all levels.

    A load that is a share of the capacity is none here.
    """
    study = [
        *_too_few(bench),
        *_without_window(bench),
        *wrong_dial(bench),
        *wrong_utilisations(bench),
        *wrong_variants(bench),
    ]
    if study:
        return [*study, *_of_pipelines(bench)]
    return list(dict.fromkeys(_of_variants(bench)))


def _too_few(bench: Benchmark) -> Iterator[Problem]:
    least = 1 if bench.study.design == "aa" else 2
    count = len(bench.pipelines)
    if count < least:
        text = f"the design {bench.study.design!r} needs {least} or more pipelines, not {count}"
        hint = "design: aa runs one pipeline twice" if count == 1 else ""
        yield Problem(("study", "design"), text, hint)


def _without_window(bench: Benchmark) -> Iterator[Problem]:
    """Loads of which all is due at once: there is no window in which they are steady."""
    for name, pipeline in bench.pipelines.items():
        load = pipeline.load.name
        try:
            offline = getattr(find("loads", load), "until_last_completion", False)
        except (LookupError, RegistryError):  # the check of the pipelines says so
            continue
        if offline:
            yield Problem(("pipelines", name, "load", load), NO_WINDOW, INSTEAD)


def _of_pipelines(bench: Benchmark) -> Iterator[Problem]:
    """What is wrong with the pipelines, whatever the study makes of them."""
    for problem in problems(bench):
        if problem.path[-1:] != ("utilisation",):
            yield problem


def _of_variants(bench: Benchmark) -> Iterator[Problem]:
    for name, variant in variants_of(bench).items():
        for problem in problems(with_rates(variant)):
            inside = "place" in problem.path
            yield _in_variant(problem, name) if name and inside else problem
        for level in bench.study.against.levels if bench.study.against else ():
            yield from problems(turned(with_rates(variant), level))


def _in_variant(problem: Problem, variant: str) -> Problem:
    """A placement that the machine cannot give, told where the variant stands."""
    _, pipeline, _, *keys = problem.path
    path = (*PATH, variant, pipeline, *keys)
    return Problem(path, problem.message, problem.hint)
