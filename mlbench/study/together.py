"""What the pipelines of a treatment achieve together: STP, ANTT, Jain's index, fairness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlbench.analysis.comparison import Comparison
from mlbench.stats import antt, fairness, jain, stp
from mlbench.study.estimate import Estimate, Method, level_over

__all__ = ["TOGETHER_METRICS", "together_over"]

TOGETHER_METRICS = ("stp", "antt", "jain", "fairness")
"""STP, Jain's index and fairness are of the progress in throughput, ANTT of mean latency."""

AT_MOST_ONE = frozenset({"jain", "fairness"})


@dataclass(frozen=True)
class Progress:
    """Normalised progress of all pipelines in each block; without it the reason."""

    blocks: Mapping[int, list[float]]
    reason: str = ""


def together_over(
    used: Mapping[str, Mapping[int, Comparison]],
    nulls: Mapping[str, Mapping[str, str]],
    method: Method,
) -> dict[str, Estimate]:
    """The `TOGETHER_METRICS` of a treatment, each computed in a block and then taken over them.

    Means are geometric and intervals of the logarithms; the bound of an index that is at
    most 1 is cut there.

    Parameters
    ----------
    used
        By pipeline, then by block.
    nulls
        By pipeline, why a slowdown is null, by its metric.
    """
    progress = {key: _progress(used, nulls, key) for key in ("throughput", "latency_mean")}
    found = {}
    for key, function in zip(TOGETHER_METRICS, (stp, antt, jain, fairness), strict=True):
        of = progress["latency_mean" if key == "antt" else "throughput"]
        if of.reason:
            found[key] = Estimate(reason=of.reason)
            continue
        values = {number: function(each) for number, each in of.blocks.items()}
        estimate = level_over(values, method, positive=True)
        if key in AT_MOST_ONE and estimate.high is not None:
            estimate = replace(estimate, high=min(estimate.high, 1.0))
        found[key] = estimate
    return found


def _progress(
    used: Mapping[str, Mapping[int, Comparison]],
    nulls: Mapping[str, Mapping[str, str]],
    metric: str,
) -> Progress:
    """NP, the inverse of the slowdown, of every pipeline in the blocks that all of them have."""
    for name in used:
        if why := nulls[name].get(metric):
            return Progress({}, f"{metric} of {name} is null: {why}")
    common = set.intersection(*(set(blocks) for blocks in used.values())) if used else set()
    if not common:
        return Progress({}, "there is no block in which all of them have numbers")
    return Progress(
        {
            number: [1 / (used[name][number].slowdown[metric].value or 1.0) for name in used]
            for number in sorted(common)
        }
    )
