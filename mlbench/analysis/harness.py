"""What measuring itself took of the processors that a pipeline runs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlbench.analysis.record import Record

__all__ = ["crowded", "harness_share"]

PROCESSES = ("driver", "sampler", "recorder")


def harness_share(record: Record, name: str) -> float | None:
    """The share of a pipeline's processors that driver, sampler and recorder used.

    Their processor time, each over the time in which it was counted, divided evenly over the
    processors that they were confined to; 0 where the pipeline has none of those, and null
    where the manifest does not say. A pipeline's processors are all of the cores that it is on:
    what runs on a core's other thread slows it, too.
    """
    harness: Mapping[str, Any] = record.manifest.get("harness") or {}
    cpus = set(harness.get("cpus") or ())
    placed = _of_whole_cores(record, (record.pipeline(name).get("placement") or {}).get("cpus"))
    told = [harness[process] for process in PROCESSES if harness.get(process)]
    used: list[float] = [
        each["cpu_ns"] / each["wall_ns"]
        for each in told
        if each.get("wall_ns") and each.get("cpu_ns") is not None
    ]
    if not (cpus and placed and used):
        return None
    return sum(used) * len(cpus & placed) / (len(cpus) * len(placed))


def _of_whole_cores(record: Record, placed: Sequence[int] | None) -> set[int]:
    """Processors with those that share a core with them, as far as the manifest knows cores."""
    processor: Mapping[str, Any] = (record.manifest.get("machine") or {}).get("cpu") or {}
    mine = set(placed or ())
    cores = (set(core) for core in processor.get("cores") or ())
    return mine.union(*(core for core in cores if core & mine))


def crowded(record: Record, name: str) -> Iterator[str]:
    """Why a pipeline did not have its processors for itself and its neighbours."""
    share, limit = harness_share(record, name), record.bench.limits.harness_share
    if share is not None and share > limit:
        yield (
            f"What measures took {share:.0%} of the processors of {name}, more than "
            f"{limit:.0%} (limits: {{harness_share: ...}}): leave it one of its own "
            "(place: {cpus: [...]})."
        )
