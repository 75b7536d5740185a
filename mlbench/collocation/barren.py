"""A pipeline that completes nothing although it is alone: beside others it will not either."""

from __future__ import annotations

from pathlib import Path

from mlbench.analysis.failures import failures
from mlbench.analysis.queries import queries_of
from mlbench.errors import NotARunError
from mlbench.records import Outcome
from mlbench.run import open_run

__all__ = ["barren"]


def barren(directory: Path) -> str | None:
    """Why a pipeline that ran alone cannot be studied: all of its queries failed, and how.

    Null if one of them was done, or none was due; a pipeline that ended by failure says so
    itself.

    Parameters
    ----------
    directory
        Of a run that has ended, of one pipeline.
    """
    try:
        record = open_run(directory).record(spans=False)
    except NotARunError:
        return None
    if record.status != "done":  # one that was killed early names no pipeline
        return None
    (name,) = record.names
    queries = queries_of(record, name)
    found = failures(queries)
    if not found:
        return None
    if sum(map(queries.count, (Outcome.FAILED, Outcome.TIMED_OUT))) < queries.measured.sum():
        return None
    return (
        f"{name} completes nothing even alone: all of its {int(queries.measured.sum())} queries "
        f"failed, {found[0]['count']} of them with: {found[0]['error']}"
    )
