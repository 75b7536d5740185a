"""A sweep as one JSON document: what ``mlbench sweep --json`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlbench.sweep.executor import executor_before
from mlbench.sweep.layout import RESULTS, RUNS, point_directory
from mlbench.sweep.state import CONTAMINATED, FAILED, TIMED_OUT, is_finished

if TYPE_CHECKING:
    import pandas as pd

    from mlbench.sweep.opened import Sweep

__all__ = ["summary"]

MOST_REASONS = 50

MOST_POINTS = 3
"""Points that a reason names, of those that it is the reason of."""

ABOUT = (
    *("point", "repeat", "status", "treatment", "role", "pipeline"),
    *("verdict", "reasons", "relaxed", "left_out", "needed_repeats"),
)
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
        "notes": [f"left out: {each}" for each in _told(table, _left_out(table))][:MOST_REASONS],
        "relaxed": _relaxed(table),
        "points": sweep.counts(),
        "blocks": len(sweep.manifest.blocks),
        "skipped": sweep.manifest.skipped,
        "failures": failures,
        "columns": dict(table.attrs),
        "rows": list(_rows(table)),
        "results": str(results) if results.is_file() else None,
        "next": list(_next(sweep, table)),
    }


def _table(sweep: Sweep) -> pd.DataFrame:
    """The table, from its file where the sweep has ended."""
    import pandas as pd

    path = sweep.path / RESULTS
    if path.is_file() and not path.is_symlink() and sweep.left == 0:
        frame: pd.DataFrame = pd.read_parquet(path)
        # a table of an earlier mlbench has fewer of both
        if frame.attrs.keys() >= {"parameters", "recorded"} and {*ABOUT} <= {*frame.columns}:
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


def _next(sweep: Sweep, table: pd.DataFrame) -> Iterator[str]:
    """What to type to have points executed, or executed again; nothing while they are."""
    if sweep.status == "going":
        return
    counts, before = sweep.counts(), executor_before(sweep.path)
    again = f"mlbench sweep --resume {sweep.path}" + (f" --on {before}" if before else "")
    if sweep.left:
        yield f"what is left: {again}"
    if counts[FAILED] + counts[TIMED_OUT]:
        yield f"those that failed or timed out, again: {again} --failed"
    if sweep.status == "done" and (blocks := _blocks(sweep, table)) > sweep.manifest.plan.repeats:
        yield (
            f"a study needs {blocks} blocks, and each repeat of the plan is one: set repeats in "
            f"the plan to {blocks} or more, and type {again.replace('sweep', 'sweep PLAN', 1)}"
        )
    attempts = sweep.manifest.plan.contamination.attempts
    spoilt = [state for state in sweep.states().values() if state.status == CONTAMINATED]
    if any(is_finished(state, attempts) for state in spoilt):
        yield (
            f"those that others disturbed in all {attempts} attempts, again: set "
            f"contamination.attempts in the plan to more, and type "
            f"{again.replace('sweep', 'sweep PLAN', 1)}"
        )


def _blocks(sweep: Sweep, table: pd.DataFrame) -> int:
    """How many blocks the studies of a sweep need to be VALID, all of them; 0 where it has none.

    Those that have lost blocks need more than ``study: {min_blocks}``.
    """
    from mlbench.sweep.measured import first_study

    if sweep.manifest.kind != "study":
        return 0
    lost = max(table["needed_repeats"].dropna(), default=0)
    folders = (point_directory(sweep.path, point.id) / RUNS for point in sweep.manifest.points)
    found = next((study for each in folders if (study := first_study(each))), None)
    return 0 if found is None else max(int(lost), found.bench.study.min_blocks)


def _reasons(sweep: Sweep, table: pd.DataFrame) -> Iterator[str]:
    """Why the sweep did not measure what its plan says."""
    counts = sweep.counts()
    if sweep.left:
        yield f"{sweep.left} of {len(sweep.manifest.points)} points are not finished."
    for status in (FAILED, TIMED_OUT, CONTAMINATED):
        if counts[status]:
            yield f"Points that are {status}: {counts[status]}."
    wrong = (table["verdict"] == "INVALID") & (table["status"] != CONTAMINATED)
    yield from _told(table, wrong & ~_left_out(table))


def _left_out(table: pd.DataFrame) -> pd.Series[bool]:
    """The rows whose run does not count, of studies that are VALID without it."""
    told: pd.Series[bool] = table["left_out"].fillna(False).astype(bool)
    return told


def _told(table: pd.DataFrame, rows: pd.Series[bool]) -> Iterator[str]:
    """The reasons in some rows, each once, behind the points that have it."""
    for reasons, found in table[rows].groupby("reasons", sort=False)["point"]:
        points = list(dict.fromkeys(found))
        more = f" and {len(points) - MOST_POINTS} more" if len(points) > MOST_POINTS else ""
        yield f"{', '.join(points[:MOST_POINTS])}{more}: {reasons}"


def _relaxed(table: pd.DataFrame) -> list[str]:
    """The thresholds of the studies that let more pass than the defaults, each once."""
    texts = (text for text in table["relaxed"].dropna().unique())
    return list(dict.fromkeys(each for text in texts for each in text.split("; ")))
