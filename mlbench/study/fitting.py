"""Why a run does not count in its study, with the error that its queries had most often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlbench.analysis.failures import failures
from mlbench.analysis.fitness import ERRORS, unfit
from mlbench.analysis.queries import Queries
from mlbench.analysis.record import Record
from mlbench.analysis.verdict import verdict
from mlbench.records import Outcome

__all__ = ["reasons_of"]


def reasons_of(record: Record, queries: Mapping[str, Queries]) -> Iterator[str]:
    """Every reason against a run of a study.

    Whether it can stand in a comparison is asked where it has a window: one that was stopped
    before its load has none, and its verdict says why.

    Parameters
    ----------
    queries
        `queries_of` each pipeline.
    """
    yield from verdict(record, queries).reasons
    if record.status == "done" or record.manifest.get("window") is not None:
        yield from unfit(record, queries)
        for name in record.names:
            yield from _error(record, name, queries[name])


def _error(record: Record, name: str, queries: Queries) -> Iterator[str]:
    """What went wrong most often, where it was too often; the verdict says it of nothing done."""
    count = sum(queries.count(outcome) for outcome in ERRORS)
    allowed = record.bench.limits.error_share * int(queries.measured.sum())
    found = failures(queries) if count > allowed and queries.count(Outcome.DONE) else []
    if found:
        most = found[0]
        yield f"The most frequent error of {name}, {most['count']} times: {most['error']}."
