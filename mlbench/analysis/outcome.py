"""How a pipeline came out of a run, where that is no number: it saturated, did not fit, failed."""

from __future__ import annotations

import re

import numpy as np

from mlbench.analysis.queries import Queries
from mlbench.analysis.record import Record
from mlbench.records import Outcome

__all__ = ["DID_NOT_FIT", "FAILED", "MEASURED", "SATURATED", "outcome_of"]

MEASURED = "measured"
SATURATED = "saturated"
DID_NOT_FIT = "did not fit"
FAILED = "failed"

DEVICE_MEMORY = re.compile(
    r"(cuda|hip|cudnn|cublas|gpu|device|nvml)\b.*(out of memory|alloc_failed|memory allocation)"
    r"|OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED",
    re.IGNORECASE | re.DOTALL,
)
"""What PyTorch, CUDA and its libraries say when the device's memory is full."""

LOOKED_AT = 100
"""Errors of queries that are looked at."""


def outcome_of(record: Record, name: str, queries: Queries, saturated: bool | None) -> str | None:
    """`MEASURED`, `SATURATED`, `DID_NOT_FIT` or `FAILED`; null where the run says nothing of it.

    A pipeline failed if it ended by failure, or if none of its queries was done; it did
    not fit if the reason, or the error of any such query, is that the memory of the device
    was full.

    Parameters
    ----------
    saturated
        Whether its backlog grew, from `mlbench.analysis.saturation`.
    """
    failed = record.pipeline(name).get("status") == "failed"
    fruitless = bool(queries.measured.any()) and not queries.count(Outcome.DONE)
    if failed or (fruitless and queries.count(Outcome.FAILED)):
        return DID_NOT_FIT if _lacked_memory(record, name, queries) else FAILED
    if record.status != "done":
        return None
    if saturated:
        return SATURATED
    return FAILED if fruitless else MEASURED


def _lacked_memory(record: Record, name: str, queries: Queries) -> bool:
    texts = [str(record.pipeline(name).get("reason") or "")]
    rows = np.flatnonzero(queries.outcome == Outcome.FAILED)[:LOOKED_AT]
    texts += [queries.error[int(row)] or "" for row in rows]
    return any(DEVICE_MEMORY.search(text) for text in texts)
