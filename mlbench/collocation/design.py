"""A design: which pipelines run together in which treatments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from mlbench.seed import stream
from mlbench.spec import Against, Benchmark
from mlbench.study.layout import (
    FIRST,
    SECOND,
    TOGETHER,
    DesignEntry,
    RunEntry,
    Treatment,
    against,
    alone,
    pair,
    run_directory,
)

__all__ = ["CAPACITY", "block_runs", "design_of", "planned", "treatments_of"]

CAPACITY = "capacity"


def treatments_of(bench: Benchmark, capacities: bool = True) -> tuple[Treatment, ...]:
    """The treatments of a study, those that measure capacities first.

    Parameters
    ----------
    capacities
        Whether it measures them; a variant of the placements takes those of the first one.

    Examples
    --------
    >>> step = {"data": {"uses": "synthetic.items"}, "stages": {"a": {"uses": "synthetic.noop"}}}
    >>> bench = Benchmark(name="two", pipelines={"x": step, "y": step})
    >>> [each.name for each in treatments_of(bench)]
    ['alone-x', 'alone-y', 'together']
    """
    found = [*(_capacities(bench) if capacities else ()), *_compared(bench)]
    return tuple(_unique(found))


def _capacities(bench: Benchmark) -> Iterator[Treatment]:
    for name, pipeline in bench.pipelines.items():
        if pipeline.load.utilisation is not None:
            yield Treatment(name=f"{CAPACITY}-{name}", pipelines=(name,), role="capacity")


def _compared(bench: Benchmark) -> Iterator[Treatment]:
    names = tuple(bench.pipelines)
    if bench.study.against is not None:
        yield from _against(names, bench.study.against)
    elif bench.study.design == "aa":
        yield from _twice(names)
    else:
        yield from (_alone(name) for name in names)
        if bench.study.design == "pairs":
            for first, second in combinations(names, 2):
                yield _together(pair(first, second), (first, second))
        else:
            yield _together(TOGETHER, names)


def _alone(name: str) -> Treatment:
    return Treatment(name=alone(name), pipelines=(name,), role="isolated")


def _together(treatment: str, names: tuple[str, ...]) -> Treatment:
    return Treatment(name=treatment, pipelines=names, role="collocated")


def _twice(names: tuple[str, ...]) -> Iterator[Treatment]:
    """Each pipeline beside nothing, and once more: what differs is the machine's own doing."""
    for name in names:
        suffix = f"-{name}" if len(names) > 1 else ""
        yield Treatment(name=FIRST + suffix, pipelines=(name,), role="isolated")
        yield Treatment(name=SECOND + suffix, pipelines=(name,), role="collocated")


def _against(names: tuple[str, ...], turned: Against) -> Iterator[Treatment]:
    """Each of the others alone, and beside the co-tenant at each level."""
    victims = [name for name in names if name != turned.pipeline]
    for victim in victims:
        prefix = f"{victim}-" if len(victims) > 1 else ""
        pipelines = tuple(name for name in names if name in (victim, turned.pipeline))
        yield _alone(victim)
        for level in turned.levels:
            yield Treatment(
                name=prefix + against(turned.pipeline, level),
                pipelines=pipelines,
                role="collocated",
                dial=level,
            )


def _unique(treatments: list[Treatment]) -> Iterator[Treatment]:
    """The same, with a number behind a name that another one has.

    Levels may differ by less than a name shows, and ``a-b`` beside ``c`` is called like
    ``a`` beside ``b-c``.
    """
    taken: set[str] = set()
    for each in treatments:
        name, number = each.name, 1
        while name in taken:
            number += 1
            name = f"{each.name}-{number}"
        taken.add(name)
        yield each.model_copy(update={"name": name})


def design_of(bench: Benchmark, variant: str = "") -> DesignEntry:
    """What ``study.json`` says of the design."""
    turned = bench.study.against
    more: dict[str, Any] = {} if turned is None else turned.complete()  # Any: JSON
    if variant:
        more["variant"] = variant
    return DesignEntry.model_validate({"kind": bench.study.design, **more})


def block_runs(treatments: tuple[Treatment, ...], seed: int, block: int) -> tuple[RunEntry, ...]:
    """One planned run of each treatment, in the random order of the block.

    Capacities are measured once, before all others.
    """
    compared = [each for each in treatments if each.role != CAPACITY]
    stream(seed, "order", block).shuffle(compared)
    first = [each for each in treatments if each.role == CAPACITY and block == 0]
    return tuple(planned(treatments, block, each.name) for each in (*first, *compared))


def planned(
    treatments: tuple[Treatment, ...], block: int, treatment: str, attempt: int = 0
) -> RunEntry:
    """A run that is to be made."""
    folder = _folders(treatments)[treatment]
    return RunEntry(
        block=block,
        treatment=treatment,
        attempt=attempt,
        directory=run_directory(block, folder, attempt),
    )


def _folders(treatments: tuple[Treatment, ...]) -> dict[str, str]:
    """A name for the folder of each treatment, such that no two of them are the same on disk."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for index, each in enumerate(treatments):
        name = each.name
        while run_directory(0, name, 0).casefold() in taken:
            name = f"{name}.{index}"
        taken.add(run_directory(0, name, 0).casefold())
        found[each.name] = name
    return found
