"""Quantiles by stage of the spans of a run, by mlbench or a peer: a fresh process for each.

``python -m benchmarks.grouped mlbench|duckdb|polars RUN`` prints seconds, peak memory and
the quantiles. The time is from opening the run to having the numbers, with the libraries
loaded before. Each takes the smallest value that a share of the values does not exceed.
Memory counts the pages of the file that stand mapped in the process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from benchmarks.memory import own_peak_bytes

__all__ = ["main"]

PROBABILITIES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
PIPELINE = "only"

Answer = list[list[int]]
"""For each stage in turn: its spans, then the quantiles of service and of queueing in ns."""


def main() -> int:
    """Answer once, in the way that was asked for."""
    answer = WAYS[sys.argv[1]]()
    begin_s = perf_counter()
    found = answer(Path(sys.argv[2]))
    seconds = perf_counter() - begin_s
    print(json.dumps({"seconds": seconds, "peak_bytes": own_peak_bytes(), "quantiles": found}))
    return 0


def by_mlbench() -> Callable[[Path], Answer]:
    """The table of a run's stages, on the run directory."""
    import pandas as pd

    from mlbench import open_run

    def answer(path: Path) -> Answer:
        found = open_run(path).stages().set_index("metric")
        return [
            [int(stage["spans"].iloc[0]), *_ns(stage, "service"), *_ns(stage, "queueing")]
            for _, stage in found.groupby("stage", sort=False, observed=True)
        ]

    def _ns(stage: pd.DataFrame, part: str) -> Iterator[int]:
        return (round(stage["value_ms"][f"{part}_{name}"] * 1e6) for name in PROBABILITIES)

    return answer


def by_duckdb() -> Callable[[Path], Answer]:
    """DuckDB's exact quantiles, on the Arrow stream as it lies mapped in memory."""
    import duckdb
    import pyarrow as pa

    shares = list(PROBABILITIES.values())
    query = f"""
        SELECT count(*), quantile_disc("end" - start, {shares}),
               quantile_disc(start - ready, {shares})
        FROM spans GROUP BY stage ORDER BY stage
    """

    def answer(path: Path) -> Answer:
        spans = pa.ipc.open_stream(pa.memory_map(str(_spans(path)))).read_all()
        rows = duckdb.connect().register("spans", spans).execute(query).fetchall()
        return [[count, *service, *queueing] for count, service, queueing in rows]

    return answer


def by_polars() -> Callable[[Path], Answer]:
    """Polars' exact quantiles, on the columns of the Arrow stream that they need."""
    import polars as pl

    times = (pl.col("end") - pl.col("start"), pl.col("start") - pl.col("ready"))
    quantiles = (
        time.quantile(share, interpolation="equiprobable").alias(f"{index} {share}")
        for index, time in enumerate(times)
        for share in PROBABILITIES.values()
    )
    grouped = [pl.len(), *quantiles]

    def answer(path: Path) -> Answer:
        spans = pl.read_ipc_stream(_spans(path), columns=["stage", "ready", "start", "end"])
        rows = spans.lazy().group_by("stage").agg(grouped).sort("stage").collect().rows()
        return [[round(value) for value in row[1:]] for row in rows]

    return answer


def _spans(run: Path) -> Path:
    return run / "pipelines" / PIPELINE / "spans.arrow"


WAYS = {"mlbench": by_mlbench, "duckdb": by_duckdb, "polars": by_polars}

if __name__ == "__main__":
    sys.exit(main())
