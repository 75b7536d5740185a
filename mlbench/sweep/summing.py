"""A sweep as one JSON document: what ``mlbench sweep --json`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlbench.sweep.layout import RESULTS
from mlbench.sweep.state import CONTAMINATED, FAILED, TIMED_OUT

if TYPE_CHECKING:
    import pandas as pd

    from mlbench.sweep.opened import Sweep

__all__ = ["summary"]

MOST_REASONS = 50


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
        "results": str(results) if results.is_file() else None,
    }


def _table(sweep: Sweep) -> pd.DataFrame:
    """The table, from its file where the sweep has ended."""
    import pandas as pd

    path = sweep.path / RESULTS
    if path.is_file() and not path.is_symlink() and sweep.left == 0:
        frame: pd.DataFrame = pd.read_parquet(path)
        return frame
    return sweep.results()


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
