"""The stages of a pipeline: how long their spans took, and how long these waited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import Floats, Integers, Rows, members
from mlbench.analysis.latency import Distribution, distribution_ms
from mlbench.analysis.record import Record
from mlbench.records import Outcome
from mlbench.store.arrow import to_numpy

__all__ = [
    "Groups",
    "StageTimes",
    "grouped_by_stage",
    "queueing_ns",
    "service_ns",
    "stage_times",
]


@dataclass(frozen=True)
class StageTimes:
    """The spans of one stage that belong to measured queries.

    Parameters
    ----------
    spans, errors
        How many there are, and how many of them did not succeed.
    service_ms
        From start to end; infinite where the span did not succeed.
    queueing_ms
        From ready to start, of every span.
    """

    spans: int
    errors: int
    service_ms: Distribution
    queueing_ms: Distribution


@dataclass(frozen=True)
class Groups:
    """Which spans belong to which stage, batch by batch: none of them is moved far in memory.

    Parameters
    ----------
    orders
        Of each batch the rows, by stage; those of no stage are left out.
    counts
        How many of them each stage has, shape (batches, stages).
    """

    orders: Sequence[Rows]
    counts: Integers

    def gathered(self, batches: Iterable[Integers | Floats]) -> list[Floats]:
        """The values of each stage, of a column that comes in the same batches."""
        begins = np.concatenate([[0], np.cumsum(self.counts.sum(axis=0))])
        whole = np.empty(begins[-1], dtype=np.float64)
        at = begins.tolist()
        for order, counts, values in zip(self.orders, self.counts.tolist(), batches, strict=True):
            ordered, begin = values[order], 0
            for stage, count in enumerate(counts):
                whole[at[stage] : at[stage] + count] = ordered[begin : begin + count]
                at[stage] += count
                begin += count
        return [whole[begin:end] for begin, end in pairwise(begins)]


def stage_times(record: Record, name: str, measured: Integers) -> dict[str, StageTimes]:
    """The times of each stage of pipeline ``name``, in the order of the manifest.

    Parameters
    ----------
    measured
        The queries whose spans count, by index.
    """
    names: Sequence[str] = record.pipeline(name).get("stages") or ()
    spans = record.spanned(name)
    groups = grouped_by_stage(spans, measured, len(names))
    service = groups.gathered(service_ns(spans))
    found = [(int(np.isinf(of).sum()), distribution_ms(of, what="spans")) for of in service]
    del service  # 80 MB for ten million spans, before the next as many
    queueing = groups.gathered(queueing_ns(spans))
    return {
        stage: StageTimes(int(of.size), errors, service_ms, distribution_ms(of, what="spans"))
        for stage, of, (errors, service_ms) in zip(names, queueing, found, strict=True)
    }


def grouped_by_stage(spans: pa.Table, measured: Integers, stages: int) -> Groups:
    """The spans that belong to measured queries, by the code of their stage."""
    is_measured = members(measured)
    orders: list[Rows] = []
    counts = [np.empty((0, stages), dtype=np.int64)]
    for query, stage in _batches(spans, "query", "stage"):
        codes = stage.astype(np.int16)  # NumPy sorts 16 bits in linear time
        codes[(codes < 0) | (codes >= stages) | ~is_measured(query)] = stages
        found = np.bincount(codes, minlength=stages + 1)[None, :stages]
        orders.append(np.argsort(codes, kind="stable")[: found.sum()].astype(np.int32))
        counts.append(found)
    return Groups(orders, np.concatenate(counts))


def service_ns(spans: pa.Table) -> Iterator[Floats]:
    """From start to end, batch by batch; infinite where the span did not succeed."""
    for start, end, outcome in _batches(spans, "start", "end", "outcome"):
        taken = (end - start).astype(np.float64)
        taken[outcome != Outcome.DONE] = np.inf
        yield taken


def queueing_ns(spans: pa.Table) -> Iterator[Integers]:
    """From ready to start, batch by batch."""
    for ready, start in _batches(spans, "ready", "start"):
        yield start - ready


def _batches(spans: pa.Table, *names: str) -> Iterator[list[Integers]]:
    """Some columns of each batch."""
    for batch in spans.select(names).to_batches():
        yield [to_numpy(column) for column in batch.columns]
