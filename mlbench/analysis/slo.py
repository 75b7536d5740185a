"""Service-level objectives: which share of the offered queries kept every limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import Mask
from mlbench.analysis.queries import RUNNING, Queries
from mlbench.analysis.record import Record
from mlbench.analysis.tokens import TOKENS, tokens_of
from mlbench.records import NULL, Outcome
from mlbench.spec import SLO

__all__ = ["Attainment", "attainment_of"]


@dataclass(frozen=True)
class Attainment:
    """How many of the offered queries kept their limits.

    Parameters
    ----------
    offered
        Queries that were due in the window and have ended.
    kept
        Those that kept every limit; null where one cannot be checked, for which ``reason``
        says why.
    limits
        The same for each limit by itself, by its name in the spec.
    """

    offered: int
    kept: int | None
    limits: Mapping[str, int | None]
    reason: str | None = None

    @property
    def share(self) -> float | None:
        """Of those that were offered; null where none were."""
        return None if self.kept is None or not self.offered else self.kept / self.offered


def attainment_of(record: Record, name: str, queries: Queries) -> Attainment | None:
    """How many offered queries of pipeline ``name`` kept its objective; null without one.

    Failed, timed-out, lost and cancelled queries are misses; those that still run are not
    counted yet. A query with one token has no time per output token, and keeps that limit.
    """
    spec = record.bench.pipelines.get(name)
    if spec is None or spec.slo is None:
        return None
    offered = queries.measured & (queries.outcome != RUNNING)
    done = offered & (queries.outcome == Outcome.DONE)
    kept, reason = _kept(spec.slo, record, name, queries)
    known = [mask for mask in kept.values() if mask is not None]
    all_kept = done & np.logical_and.reduce(known) if len(known) == len(kept) else None
    return Attainment(
        offered=int(offered.sum()),
        kept=None if all_kept is None else int(all_kept.sum()),
        limits={key: None if m is None else int((done & m).sum()) for key, m in kept.items()},
        reason=reason,
    )


def _kept(
    slo: SLO, record: Record, name: str, queries: Queries
) -> tuple[dict[str, Mask | None], str | None]:
    """Which queries kept each limit; null where nothing was recorded to tell."""
    kept: dict[str, Mask | None] = {}
    if slo.latency_ms is not None:
        known = queries.latency_ns != NULL
        kept["latency_ms"] = known & (queries.latency_ns <= slo.latency_ms * 1e6)
    if slo.ttft_ms is None and slo.tpot_ms is None:
        return kept, None
    tokens = tokens_of(record, name, queries)
    told = bool((tokens.count > 0).any())
    if slo.ttft_ms is not None:
        in_time = tokens.first - queries.due <= slo.ttft_ms * 1e6
        kept["ttft_ms"] = (tokens.count > 0) & in_time if told else None
    if slo.tpot_ms is not None:
        each = (tokens.last - tokens.first) / np.maximum(tokens.count - 1, 1)
        kept["tpot_ms"] = (tokens.count > 0) & (each <= slo.tpot_ms * 1e6) if told else None
    reason = f"no events named {' or '.join(TOKENS)} were recorded"
    return kept, None if told else reason
