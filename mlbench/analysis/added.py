"""Where the added latency is: what collocation adds to a query, divided over its stages.

For a query that is done in both runs, with all of its spans,::

    latency together - latency alone = added lateness
        + sum over the spans that are on both critical paths of added service and added queueing
        + the spans that are on one path only, positive together and negative alone

Spans of two runs are the same if stage and visit are. Another branch of a join that came
last, or another route, puts spans on one path only: they have no partner to be compared
with, and their time is `unmatched`. In integer nanoseconds the parts sum to the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import Integers, Mask, Rows, members
from mlbench.analysis.observation import Observation, PathPart
from mlbench.analysis.pairs import Pairs
from mlbench.records import NULL

__all__ = ["Added", "added_latency"]


@dataclass(frozen=True)
class Added:
    """Sums over the pairs of queries of one block, in ns; together less alone.

    Parameters
    ----------
    queries
        Pairs that are done in both runs and whose spans are whole.
    latency_ns
        The sum of everything below.
    lateness_ns
        The harness's own.
    service_ns, queueing_ns
        By stage: inside of it, and in front of it.
    unmatched_ns
        On one of the two paths only.
    unmatched_share
        Of the time on both paths, how much is on one of them only, 0 to 1.
    left_out
        Pairs that both runs measured and that are not among ``queries``: one of the two
        failed, timed out or was cut off, or its spans are not whole. What is left over is of
        survivors.
    """

    queries: int
    latency_ns: int
    lateness_ns: int
    service_ns: Mapping[str, int]
    queueing_ns: Mapping[str, int]
    unmatched_ns: int
    unmatched_share: float
    left_out: int = 0

    @property
    def left_out_share(self) -> float:
        """Of all pairs, how many are left out, 0 to 1."""
        return self.left_out / (self.queries + self.left_out)


@dataclass(frozen=True)
class Visits:
    """One visit of one stage in each pair, arrays of shape (pairs,), 0 where it is not there."""

    there: Mask
    service: Integers
    queueing: Integers


def added_latency(isolated: Observation, collocated: Observation, pairs: Pairs) -> Added | None:
    """What collocation adds to the latency of the paired queries; null without any."""
    whole = _whole(isolated, pairs.isolated) & _whole(collocated, pairs.collocated)
    rows = pairs.isolated[whole], pairs.collocated[whole]
    if not rows[0].size:
        return None
    places = _places(isolated, rows[0]), _places(collocated, rows[1])
    service: Counter[str] = Counter()
    queueing: Counter[str] = Counter()
    unmatched = lonely = total = 0
    for stage, visit in {**isolated.path, **collocated.path}:
        alone = _visits(isolated.path.get((stage, visit)), places[0], rows[0].size)
        together = _visits(collocated.path.get((stage, visit)), places[1], rows[0].size)
        both = alone.there & together.there
        service[stage] += _sum(together.service, both) - _sum(alone.service, both)
        queueing[stage] += _sum(together.queueing, both) - _sum(alone.queueing, both)
        sides = [_sum(side.service + side.queueing, ~both) for side in (alone, together)]
        unmatched += sides[1] - sides[0]
        lonely += sum(sides)
        total += sum(int(side.service.sum() + side.queueing.sum()) for side in (alone, together))
    return Added(
        queries=int(rows[0].size),
        latency_ns=_difference("latency_ns", isolated, collocated, rows),
        lateness_ns=_difference("lateness_ns", isolated, collocated, rows),
        service_ns=dict(service),
        queueing_ns=dict(queueing),
        unmatched_ns=unmatched,
        unmatched_share=lonely / total if total else 0.0,
        left_out=_measured(isolated, collocated) - int(rows[0].size),
    )


def _measured(isolated: Observation, collocated: Observation) -> int:
    """The queries, by index, that were due in the window of both runs, however they ended."""
    one, two = (side.queries.query[side.queries.measured] for side in (isolated, collocated))
    return int(np.count_nonzero(members(one)(two)))


def _whole(observation: Observation, rows: Rows) -> Mask:
    whole: Mask = observation.queries.service_ns[rows] != NULL
    return whole


def _places(observation: Observation, rows: Rows) -> Rows:
    """For each query of a run, which pair it is; -1 for none."""
    places = np.full(len(observation.queries), -1, dtype=np.int64)
    places[rows] = np.arange(rows.size)
    return places


def _visits(part: PathPart | None, places: Rows, pairs: int) -> Visits:
    there = np.zeros(pairs, np.bool_)
    service, queueing = np.zeros(pairs, np.int64), np.zeros(pairs, np.int64)
    if part is not None:
        place = places[part.query]
        known = slice(None) if (place >= 0).all() else place >= 0
        there[place[known]] = True
        np.add.at(service, place[known], part.service_ns[known])
        np.add.at(queueing, place[known], part.queueing_ns[known])
    return Visits(there, service, queueing)


def _sum(values: Integers, mask: Mask) -> int:
    return int(values.sum() if mask.all() else values.sum(where=mask))


def _difference(
    name: str, isolated: Observation, collocated: Observation, rows: tuple[Rows, Rows]
) -> int:
    together = getattr(collocated.queries, name)[rows[1]]
    alone = getattr(isolated.queries, name)[rows[0]]
    return int(together.sum()) - int(alone.sum())
