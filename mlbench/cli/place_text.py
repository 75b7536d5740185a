"""Where pipelines run, and where they are measured from, in words."""

from __future__ import annotations

from collections.abc import Mapping

from mlbench.check.hardware import ranges
from mlbench.cli.text import plain
from mlbench.placements.cpus import ResolvedPlacement, harness_here
from mlbench.spec import Benchmark

__all__ = ["harness_text", "place_text", "together_hint"]

Places = Mapping[str, ResolvedPlacement]


def harness_text(places: Places) -> str:
    """Where driver, sampler and recorder run, and beside whom."""
    cpus = harness_here(places)
    beside = [plain(name) for name, place in places.items() if set(place.cpus) & set(cpus)]
    told = f" (shared with {', '.join(beside)})" if beside else ""
    return f"measured from {_processors(cpus)}{told}"


def place_text(places: Places, name: str) -> str:
    """The device, the processors and with whom they are shared, the threads, the priority."""
    place = places[name]
    parts = [
        place.device,
        _processors(place.cpus) + _shared(places, name),
        f"{place.threads} thread{'s' * (place.threads != 1)}",
    ]
    if place.priority != "normal":
        parts.append(f"priority {place.priority}")
    return ", ".join(parts)


def _shared(places: Places, name: str) -> str:
    """Each of the others that has one of the processors; which one, where that is not all."""
    mine = set(places[name].cpus)
    told = []
    for other, place in places.items():
        common = mine & set(place.cpus)
        if other != name and common:
            where = "" if common == mine else f" on {ranges(frozenset(common))}"
            told.append(f"{plain(other)}{where}")
    return f" (shared with {', '.join(told)})" if told else ""


def _processors(cpus: tuple[int, ...]) -> str:
    return f"processor{'s' * (len(cpus) != 1)} {ranges(frozenset(cpus))}"


def together_hint(bench: Benchmark, places: Places) -> str | None:
    """What to write so that all pipelines compete for all processors, where none said its own.

    Null where they do, or somebody has decided otherwise.
    """
    cpus = sorted({cpu for place in places.values() for cpu in place.cpus})
    decided = any(pipeline.place.cpus is not None for pipeline in bench.pipelines.values())
    if decided or all(list(place.cpus) == cpus for place in places.values()):
        return None
    return f"for all of them to share all processors: `place: {{cpus: {cpus}}}` in each pipeline"
