"""How long a sweep takes, as far as one can tell before it is over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from statistics import mean
from typing import TYPE_CHECKING

from mlbench.sweep.layout import SweepManifest
from mlbench.sweep.state import PointState

if TYPE_CHECKING:
    from mlbench.spec import Benchmark

__all__ = ["min_blocks", "point_seconds"]

OVERHEAD_S = 3.0
"""What a run takes besides its load and its cooldown."""

LOOKED_AT = 100
"""Points whose specs say how long one takes, evenly among all: each costs half a millisecond."""


def point_seconds(
    manifest: SweepManifest, found: Mapping[str, PointState]
) -> tuple[float | None, str]:
    """About what a point takes, and how one knows; null where nobody does.

    Points that were executed say it, else the plan, else a spec with its windows.
    """
    seen = [state.seconds for state in found.values() if state.seconds is not None]
    if seen:
        return mean(seen), f"mean of {len(seen)} points"
    if manifest.plan.point_seconds is not None:
        return manifest.plan.point_seconds, "as the plan says"
    if manifest.kind == "notebook":
        return None, "how long a notebook takes is not known: point_seconds in the plan says it"
    return mean(_of_specs(manifest)), "from the seconds of the spec"


def min_blocks(manifest: SweepManifest) -> int:
    """How many repeats a plan needs for its studies to be VALID, by what its spec says."""
    if manifest.kind != "study":
        return 1
    benches = _benches(manifest)
    return max((bench.study.min_blocks for bench in benches), default=1)


def _of_specs(manifest: SweepManifest) -> list[float]:
    """Seconds of each point, by what its spec says."""
    from mlbench.collocation.capacity import with_rates
    from mlbench.collocation.design import treatments_of

    def of(bench: Benchmark) -> float:
        study = bench.study
        if manifest.kind == "study":
            each_s = study.settle + study.seconds + study.cooldown + OVERHEAD_S
            return len(treatments_of(with_rates(bench))) * each_s
        rules = [rule for rule in bench.stop_rules().values() if rule is not None]
        return OVERHEAD_S + max((rule.seconds or 0.0 for rule in rules), default=0.0)

    return [of(bench) for bench in _benches(manifest)]


def _benches(manifest: SweepManifest) -> list[Benchmark]:
    """The spec with the parameters of some points."""
    from mlbench.spec import Document
    from mlbench.sweep.spec_target import bench_of

    document = Document.read(Path(manifest.plan.target))
    firsts = [point for point in manifest.points if point.repeat == 0]
    # Not every so many: a stride would meet some values of the last parameter alone.
    some = Random(0).sample(firsts, min(LOOKED_AT, len(firsts)))
    return [bench_of(document, point.parameters) for point in some]
