"""Quantiles by stage of the spans of a run, by mlbench or a peer: one fresh process for each.

``python -m benchmarks.grouped mlbench|duckdb|polars RUN`` prints seconds, peak memory and
the quantiles. The time is from opening the run to having the numbers; libraries are loaded
before. All use the smallest value that a share of the values does not exceed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from benchmarks.runs import own_peak_bytes

__all__ = ["main"]

PROBABILITIES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
PIPELINE = "only"

Answer = dict[str, list[int]]
"""By the number of a stage: its spans, then p50, p90, p95, p99 of service and of queueing, ns."""


def by_mlbench() -> Callable[[Path], Answer]:
    """mlbench's own function on the run directory."""
    import pandas as pd  # noqa: F401  the others do not load it inside the time, either

    from mlbench import open_run
    from mlbench.analysis.queries import queries_of
    from mlbench.analysis.stages import stage_times

    def answer(run: Path) -> Answer:
        record = open_run(run).record()
        times = stage_times(record, PIPELINE, queries_of(record, PIPELINE))
        return {
            str(number): [
                each.spans,
                *(round((each.service_ms.values[p] or 0) * 1e6) for p in PROBABILITIES),
                *(round((each.queueing_ms.values[p] or 0) * 1e6) for p in PROBABILITIES),
            ]
            for number, each in enumerate(times.values())
        }

    return answer
