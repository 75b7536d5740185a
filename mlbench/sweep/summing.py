"""A sweep as one JSON document: what ``mlbench sweep --json`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlbench.sweep.executor import executor_before
from mlbench.sweep.layout import RESULTS
from mlbench.sweep.state import CONTAMINATED, FAILED, TIMED_OUT, is_finished

if TYPE_CHECKING:
    import pandas as pd

    from mlbench.sweep.opened import Sweep

__all__ = ["summary"]

MOST_REASONS = 50

ABOUT = ("point", "repeat", "status", "treatment", "role", "pipeline", "verdict")
METRICS = (
    *("throughput", "latency_p50_ms", "latency_p99_ms"),
    *("slowdown_throughput", "slowdown_latency_p50", "slowdown_latency_p99"),
)
"""Columns of the table that a row of the document has; all others are in the table alone."""


def summary(sweep: Sweep) -> dict[str, Any]:  # Any: JSON
    """The document of `Sweep.summary`."""
    table, states = _table(sweep), sweep.states()
    reasons = list(_reasons(sweep, table))
    failures = [
        {"point": point, "status": state.status, "error": dict(state.error or {})}
        for point, state in states.items()
        if state.status in (FAILED, TIMED_OUT)
    ]
    results = sweep.path / RESULTS
    return {
        "sweep": sweep.id,
        "title": sweep.manifest.title,
        "kind": sweep.manifest.kind,
        "status": sweep.status,
        "verdict": "INVALID" if reasons else "VALID",
        "reasons": reasons[:MOST_REASONS],
        "points": sweep.counts(),
        "blocks": len(sweep.manifest.blocks),
        "skipped": sweep.manifest.skipped,
        "failures": failures,
        "columns": dict(table.attrs),
        "rows": list(_rows(table)),
        "results": str(results) if results.is_file() else None,
        "next": list(_next(sweep)),
    }


def _table(sweep: Sweep) -> pd.DataFrame:
    """The table, from its file where the sweep has ended."""
    import pandas as pd

    path = sweep.path / RESULTS
    if path.is_file() and not path.is_symlink() and sweep.left == 0:
        frame: pd.DataFrame = pd.read_parquet(path)
        if frame.attrs.keys() >= {"parameters", "recorded"}:  # of an earlier mlbench it has none
            return frame
    return sweep.results()


def _rows(table: pd.DataFrame) -> Iterator[dict[str, Any]]:  # Any: JSON
    """The table as far as a reader of the document needs it, with null for what is missing."""
    parameters, recorded = table.attrs["parameters"], table.attrs["recorded"]
    wanted = [*ABOUT, *parameters.values(), *METRICS, *recorded.values()]
    plain = table[wanted].astype(object).where(table[wanted].notna(), None)
    for row in plain.to_dict("records"):
        yield {
            **{name: row[name] for name in ABOUT},
            "parameters": {name: row[column] for name, column in parameters.items()},
            "metrics": {name: row[name] for name in METRICS},
            "recorded": {name: row[column] for name, column in recorded.items()},
        }


def _next(sweep: Sweep) -> Iterator[str]:
    """What to type to have points executed, or executed again; nothing while they are."""
    if sweep.status == "going":
        return
    counts, before = sweep.counts(), executor_before(sweep.path)
    again = f"mlbench sweep --resume {sweep.path}" + (f" --on {before}" if before else "")
    if sweep.left:
        yield f"what is left: {again}"
    if counts[FAILED] + counts[TIMED_OUT]:
        yield f"those that failed or timed out, again: {again} --failed"
    attempts = sweep.manifest.plan.contamination.attempts
    spoilt = [state for state in sweep.states().values() if state.status == CONTAMINATED]
    if any(is_finished(state, attempts) for state in spoilt):
        yield (
            f"those that others disturbed in all {attempts} attempts, again: set "
            f"contamination.attempts in the plan to more, and type "
            f"{again.replace('sweep', 'sweep PLAN', 1)}"
        )


def _reasons(sweep: Sweep, table: pd.DataFrame) -> Iterator[str]:
    """Why the sweep did not measure what its plan says."""
    counts = sweep.counts()
    if sweep.left:
        yield f"{sweep.left} of {len(sweep.manifest.points)} points are not finished."
    for status in (FAILED, TIMED_OUT, CONTAMINATED):
        if counts[status]:
            yield f"Points that are {status}: {counts[status]}."
    wrong = table[(table["verdict"] == "INVALID") & (table["status"] != CONTAMINATED)]
    for row in wrong.drop_duplicates(["point", "run", "treatment"]).itertuples():
        yield f"{row.point}: {row.reasons}"
