"""One block: a pipeline isolated and collocated, and what the second is beside the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlbench.analysis.added import Added, added_latency
from mlbench.analysis.arrays import Floats
from mlbench.analysis.observation import TOKEN_TIMES, Observation, StageObservation
from mlbench.analysis.pairs import pairs_of, ratios_of
from mlbench.analysis.sides import (
    KEYS,
    Resampling,
    Sides,
    difference,
    distributed,
    inverse_ratio,
    ratio,
)
from mlbench.stats import quantile

__all__ = [
    "QUEUEING_METRICS",
    "SERVICE_METRICS",
    "SLOWDOWN_METRICS",
    "TOKEN_METRICS",
    "Comparison",
    "compare",
]

SLOWDOWN_METRICS = (*(f"latency_{key}" for key in KEYS), "throughput", "paired_median")
"""Ratios of a pipeline, above 1 where it is worse together.

A quantile's is the ratio of the two quantiles; ``paired_median`` is the median over queries
of each query's own ratio.
"""

TOKEN_METRICS = tuple(f"{time}_{key}" for time in TOKEN_TIMES for key in KEYS)
"""Ratios of a pipeline that makes tokens, beside the others."""

SERVICE_METRICS = tuple(f"service_{key}" for key in KEYS)
"""Ratios of a stage."""

QUEUEING_METRICS = tuple(f"queueing_{key}" for key in KEYS)
"""Differences of a stage, together less alone, in ms: an empty queue has no ratio."""


KEPT_UP = 0.95
"""A pipeline that serves a smaller share of what is offered does not keep up."""


@dataclass(frozen=True)
class Comparison:
    """One pipeline in the two runs of one block.

    Parameters
    ----------
    slowdown
        By `SLOWDOWN_METRICS`, and by `TOKEN_METRICS` where either run has tokens.
    stages
        By stage, then by `SERVICE_METRICS` and `QUEUEING_METRICS`.
    added
        How the added latency divides; null without a pair of queries.
    pairs
        Queries that both runs measured.
    rate_limited
        Whether an open load kept up in both runs: its throughput is then what was offered.
    saturated
        In which of the two runs its backlog grew, ``alone`` or ``together``.
    backlog_slope
        Of the collocated run, queries per second.
    objective
        ``attainment``, the share of offered queries that kept the objective, and
        ``goodput``, that share of the offered rate in queries per second, as differences;
        empty without an objective.
    """

    slowdown: Mapping[str, Sides]
    stages: Mapping[str, Mapping[str, Sides]]
    added: Added | None
    pairs: int
    rate_limited: bool
    saturated: tuple[str, ...]
    backlog_slope: float | None
    objective: Mapping[str, Sides]


def compare(
    isolated: Observation, collocated: Observation, draws: int = 0, seed: int = 0
) -> Comparison:
    """What became of a pipeline in one block.

    Parameters
    ----------
    draws
        How often the queries are resampled, for the hierarchical bootstrap.
    seed
        Of the resampling.
    """
    again = Resampling(draws, np.random.default_rng(seed))
    pairs = pairs_of(isolated.queries, collocated.queries)
    slowdown = _prefixed(
        "latency",
        distributed(isolated.latency_ns, collocated.latency_ns, "queries", ratio, again),
    )
    slowdown["throughput"] = inverse_ratio(isolated.rate, collocated.rate)
    paired = ratios_of(isolated.queries, collocated.queries, pairs)
    slowdown["paired_median"] = _paired_median(paired, again)
    slowdown |= _tokens(isolated, collocated, again)
    sides = {"alone": isolated, "together": collocated}
    slope = collocated.saturation.slope
    return Comparison(
        slowdown=slowdown,
        stages=_stages(isolated, collocated, again),
        added=added_latency(isolated, collocated, pairs),
        pairs=int(pairs.isolated.size),
        rate_limited=all(_keeps_up(side) for side in sides.values()),
        saturated=tuple(key for key, side in sides.items() if side.saturation.saturated),
        backlog_slope=slope.estimate if slope else None,
        objective=_objective(isolated, collocated),
    )


def _prefixed(prefix: str, found: Mapping[str, Sides]) -> dict[str, Sides]:
    return {f"{prefix}_{key}": sides for key, sides in found.items()}


def _keeps_up(side: Observation) -> bool:
    """Whether an open load is served as it comes: no growing backlog, and almost all of it."""
    if not side.is_open or side.saturation.saturated is not False:
        return False
    return side.rate is not None and side.rate >= KEPT_UP * (side.offered or 0.0)


def _paired_median(ratios: Floats, again: Resampling) -> Sides:
    if not ratios.size:
        return Sides(None, None, reason="no query was measured in both runs and done alone")
    median = quantile(ratios, 0.5)
    if np.isinf(median):
        return Sides(None, None, reason="it falls on queries that did not succeed together")
    draws = again.of(ratios, "p50") if again.times else None
    return Sides(None, None, median, draws=draws)


def _tokens(isolated: Observation, collocated: Observation, again: Resampling) -> dict[str, Sides]:
    found: dict[str, Sides] = {}
    for time in {**isolated.tokens, **collocated.tokens}:
        one, two = (side.tokens.get(time, np.empty(0)) for side in (isolated, collocated))
        found |= _prefixed(time, distributed(one, two, "answers", ratio, again))
    return found


def _stages(
    isolated: Observation, collocated: Observation, again: Resampling
) -> dict[str, dict[str, Sides]]:
    none = StageObservation(np.empty(0), np.empty(0))
    found = {}
    for name in {**isolated.stages, **collocated.stages}:
        one, two = (side.stages.get(name, none) for side in (isolated, collocated))
        service = distributed(one.service_ns, two.service_ns, "spans", ratio, again)
        queueing = distributed(one.queueing_ns, two.queueing_ns, "spans", difference, again)
        found[name] = {**_prefixed("service", service), **_prefixed("queueing", queueing)}
    return found


def _objective(isolated: Observation, collocated: Observation) -> dict[str, Sides]:
    one, two = isolated.attainment, collocated.attainment
    if one is None or two is None:
        return {}
    goodputs = [
        None if each.share is None or side.offered is None else each.share * side.offered
        for each, side in ((one, isolated), (two, collocated))
    ]
    return {
        "attainment": _with_reason(difference(one.share, two.share), one.reason or two.reason),
        "goodput": _with_reason(difference(*goodputs), one.reason or two.reason),
    }


def _with_reason(sides: Sides, reason: str | None) -> Sides:
    if sides.value is not None:
        return sides
    return Sides(sides.isolated, sides.collocated, reason=reason or "no queries were offered")
