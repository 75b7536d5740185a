"""The stages of a pipeline: how long their spans took, and how long these waited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlbench.analysis.arrays import Floats, Integers, Mask, Rows, Tabular, column, members
from mlbench.analysis.latency import Distribution, distribution_ms
from mlbench.analysis.pieces import Pieces
from mlbench.analysis.queries import measured_queries
from mlbench.analysis.record import Record
from mlbench.records import Outcome

__all__ = ["COLUMNS", "Parts", "StageTimes", "stage_rows", "stage_times", "times_by_stage"]

COLUMNS = {
    "pipeline": "category",
    "stage": "category",
    "metric": "category",
    "value_ms": "float64",
    "spans": "int64",
    "errors": "int64",
    "reason": "object",
}
"""Of the table of stages, with the types that pandas has for them."""


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
class Parts:
    """The times of the spans of one stage in ns, in parts that follow each other.

    Parameters
    ----------
    service
        From start to end; infinite where the span did not succeed.
    queueing
        From ready to start.
    """

    service: list[Floats] = field(default_factory=list)
    queueing: list[Floats] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(map(len, self.service))

    def service_ns(self, room: Floats | None = None) -> Floats:
        """Service as one array, shape (spans,); in ``room``, which has as many at least."""
        return self._joined(self.service, room)

    def queueing_ns(self, room: Floats | None = None) -> Floats:
        """The same of queueing."""
        return self._joined(self.queueing, room)

    def _joined(self, parts: list[Floats], room: Floats | None) -> Floats:
        out = np.empty(len(self)) if room is None else room[: len(self)]
        return np.concatenate(parts, out=out) if parts else out


def stage_times(record: Record, name: str, measured: Integers) -> dict[str, StageTimes]:
    """The times of each stage of pipeline ``name``, in the order of the manifest.

    Parameters
    ----------
    measured
        The queries whose spans count, by index.
    """
    names: Sequence[str] = record.pipeline(name).get("stages") or ()
    found = times_by_stage(record.pieces(name), measured, len(names))
    room = np.empty(max(map(len, found), default=0))  # one for all: the system clears new memory
    return {stage: _times(parts, room) for stage, parts in zip(names, found, strict=True)}


def stage_rows(record: Record) -> Iterator[tuple[Any, ...]]:  # Any: a cell
    """One row a pipeline, stage and metric, with `COLUMNS`."""
    for name in record.names:
        for stage, found in stage_times(record, name, measured_queries(record, name)).items():
            for part, of in (("service", found.service_ms), ("queueing", found.queueing_ms)):
                for key, value in of.values.items():
                    cells = (name, stage, f"{part}_{key}", value, found.spans, found.errors)
                    yield (*cells, of.reasons.get(key))


def _times(parts: Parts, room: Floats) -> StageTimes:
    service = parts.service_ns(room)
    errors, service_ms = int(np.isinf(service).sum()), distribution_ms(service, what="spans")
    queueing_ms = distribution_ms(parts.queueing_ns(room), what="spans")
    return StageTimes(len(parts), errors, service_ms, queueing_ms)


def times_by_stage(spans: Pieces, measured: Integers, stages: int) -> list[Parts]:
    """The times of the spans that belong to measured queries, by the code of their stage."""
    is_measured = members(measured)
    found = [Parts() for _ in range(stages)]
    for piece in spans:
        codes = _codes(piece, is_measured, stages)
        order = np.argsort(codes, kind="stable")
        edges = np.cumsum(np.bincount(codes, minlength=stages))[:stages]
        service, queueing = (np.split(each[order], edges) for each in _service_and_queueing(piece))
        for code, parts in enumerate(found):
            parts.service.append(service[code])
            parts.queueing.append(queueing[code])
    return found


def _codes(spans: Tabular, is_measured: Callable[[Integers], Mask], stages: int) -> Rows:
    """The stage of each span by its code; of one that belongs to none, their number."""
    stage = column(spans, "stage")
    counted = (stage >= 0) & (stage < stages) & is_measured(column(spans, "query"))
    codes = stage.astype(np.int16 if stages < 2**15 else np.int32)  # NumPy sorts 16 bits fast
    codes[~counted] = stages
    return codes


def _service_and_queueing(spans: Tabular) -> tuple[Floats, Floats]:
    ready, start, end = (column(spans, name) for name in ("ready", "start", "end"))
    service = (end - start).astype(np.float64)
    service[column(spans, "outcome") != Outcome.DONE] = np.inf
    return service, (start - ready).astype(np.float64)
