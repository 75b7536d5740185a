"""The stages of a pipeline: how long their spans took, and how long these waited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import Floats, Integers, column, locate
from mlbench.analysis.latency import Distribution, distribution_ms
from mlbench.analysis.queries import Queries
from mlbench.analysis.record import Record
from mlbench.records import Outcome
from mlbench.store.arrow import to_numpy

__all__ = ["Groups", "StageTimes", "grouped_by_stage", "span_times", "stage_times"]


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
    """Rows of spans by stage: ``rows[begins[stage]:begins[stage + 1]]``."""

    rows: Integers
    begins: Integers

    def of(self, stage: int) -> Integers:
        """The rows of one stage."""
        return self.rows[self.begins[stage] : self.begins[stage + 1]]


def stage_times(record: Record, name: str, queries: Queries) -> dict[str, StageTimes]:
    """The times of each stage of pipeline ``name``, in the order of the manifest.

    Ten million spans take about a second and under 500 MB: they are grouped once, by a
    radix sort of their codes, and times are made for one metric at a time.
    """
    names: Sequence[str] = record.pipeline(name).get("stages") or ()
    spans = record.spanned(name)
    groups = grouped_by_stage(spans, queries, len(names))
    failed = column(spans, "outcome") != Outcome.DONE
    errors = [int(failed[groups.of(i)].sum()) for i in range(len(names))]
    service = span_times(spans, "end", "start")
    service[failed] = np.inf
    service_ms = [_distribution(service, groups.of(i)) for i in range(len(names))]
    del service  # 80 MB for ten million spans, before the next as many
    queueing = span_times(spans, "start", "ready")
    queueing_ms = [_distribution(queueing, groups.of(i)) for i in range(len(names))]
    return {
        stage: StageTimes(int(groups.of(i).size), errors[i], service_ms[i], queueing_ms[i])
        for i, stage in enumerate(names)
    }


def grouped_by_stage(spans: pa.Table, queries: Queries, stages: int) -> Groups:
    """The rows of spans that belong to measured queries, by the code of their stage."""
    measured = queries.query[queries.measured]
    codes = column(spans, "stage").astype(np.int16)  # NumPy sorts 16 bits in linear time
    codes[(codes < 0) | (codes >= stages)] = stages
    codes[locate(measured, column(spans, "query")) < 0] = stages
    counts = np.bincount(codes, minlength=stages + 1)
    begins = np.concatenate([[0], np.cumsum(counts)])
    return Groups(np.argsort(codes, kind="stable"), begins)


def span_times(spans: pa.Table, later: str, earlier: str) -> Floats:
    """The difference of two columns in ns, chunk by chunk: no third one is in memory."""
    found = np.empty(spans.num_rows, dtype=np.float64)
    begin = 0
    for batch in spans.select([later, earlier]).to_batches():
        here = found[begin : begin + batch.num_rows]
        np.subtract(to_numpy(batch[0]), to_numpy(batch[1]), out=here, casting="unsafe")
        begin += batch.num_rows
    return found


def _distribution(values_ns: Floats, rows: Integers) -> Distribution:
    return distribution_ms(values_ns[rows], what="spans")
