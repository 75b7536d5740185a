"""Placements as a factor: the same benchmark, placed in several ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from mlbench.errors import Problem, SpecError, nearest
from mlbench.spec import Benchmark, Pipeline, Placement
from mlbench.spec.problems import problems_of

__all__ = ["EVERY", "variants_of", "wrong_variants"]

EVERY = "*"
"""The key under which a variant says what holds for all pipelines."""

PATH = ("study", "placements")


def variants_of(bench: Benchmark) -> dict[str, Benchmark]:
    """The benchmark of each variant, by name; without variants the benchmark as it is, as ``""``.

    What a variant does not say stays as the pipeline has it.

    Examples
    --------
    >>> step = {"data": {"uses": "synthetic.items"}, "stages": {"a": {"uses": "synthetic.noop"}}}
    >>> placements = {"one": {"*": {"cpus": [0]}}, "two": {"x": {"cpus": [0]}, "y": {"cpus": [1]}}}
    >>> bench = Benchmark(
    ...     name="b", pipelines={"x": step, "y": step}, study={"placements": placements}
    ... )
    >>> [each.pipelines["y"].place.cpus for each in variants_of(bench).values()]
    [(0,), (1,)]

    Raises
    ------
    SpecError
        If a variant names a pipeline that there is not, or is no placement.
    """
    if found := list(wrong_variants(bench)):
        raise SpecError(found)
    plain = bench.model_copy(update={"study": bench.study.model_copy(update={"placements": {}})})
    if not bench.study.placements:
        return {"": plain}
    return {
        variant: plain.model_copy(update={"pipelines": _placed(bench.pipelines, changes)})
        for variant, changes in bench.study.placements.items()
    }


def _placed(
    pipelines: Mapping[str, Pipeline],
    changes: Mapping[str, Mapping[str, Any]],  # Any: fields of `Placement`
) -> dict[str, Pipeline]:
    return {
        name: pipeline.model_copy(update={"place": _place(pipeline, name, changes)})
        for name, pipeline in pipelines.items()
    }


def _place(
    pipeline: Pipeline,
    name: str,
    changes: Mapping[str, Mapping[str, Any]],  # Any: fields of `Placement`
) -> Placement:
    fields = {**pipeline.place.plain(), **changes.get(EVERY, {}), **changes.get(name, {})}
    return Placement.model_validate(fields)


def wrong_variants(bench: Benchmark) -> Iterator[Problem]:
    """Variants that name no pipeline, or say what no placement says."""
    for variant, changes in bench.study.placements.items():
        for name, fields in changes.items():
            path = (*PATH, variant, name)
            if name != EVERY and name not in bench.pipelines:
                yield Problem(path, "is no pipeline", nearest(name, [*bench.pipelines, EVERY]))
            yield from _wrong_fields(fields, path)


def _wrong_fields(
    fields: Mapping[str, Any],  # Any: fields of `Placement`
    path: tuple[str, ...],
) -> Iterator[Problem]:
    try:
        Placement.model_validate(fields)
    except ValidationError as error:
        for each in problems_of(error, Placement):
            yield Problem((*path, *each.path), each.message, each.hint)
