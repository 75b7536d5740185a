"""The same query in two runs: equal arrival, equal item, equal randomness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import Floats, Rows, locate
from mlbench.analysis.queries import RUNNING, Queries
from mlbench.records import NULL

__all__ = ["Pairs", "pairs_of", "ratios_of"]


@dataclass(frozen=True)
class Pairs:
    """Rows of the queries that both runs measured, arrays of shape (pairs,).

    Parameters
    ----------
    isolated, collocated
        Row in the queries of either run.
    """

    isolated: Rows
    collocated: Rows


def pairs_of(isolated: Queries, collocated: Queries) -> Pairs:
    """The queries, by index, that were due in the window of both runs and ended in both.

    Of an open load these are all, since arrivals are the same. A closed load comes less far
    where it is slowed down, so the windows share a part of their indices only.
    """
    mine = np.flatnonzero(_ended(isolated))
    found = locate(collocated.query, isolated.query[mine])
    both = (found >= 0) & _ended(collocated)[found] if len(collocated) else found >= 0
    return Pairs(mine[both], found[both])


def ratios_of(isolated: Queries, collocated: Queries, pairs: Pairs) -> Floats:
    """Collocated over isolated latency of each pair that was done alone, shape (<= pairs,).

    Infinite where it did not succeed together; what did not succeed alone has no ratio.
    """
    alone = isolated.latency_ns[pairs.isolated]
    together = collocated.latency_ns[pairs.collocated]
    known = (alone != NULL) & (alone > 0)
    ratios: Floats = np.where(together[known] == NULL, np.inf, together[known] / alone[known])
    return ratios


def _ended(queries: Queries) -> Rows:
    mask: Rows = queries.measured & (queries.outcome != RUNNING)
    return mask
