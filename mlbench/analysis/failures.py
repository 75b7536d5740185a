"""Why queries failed: the distinct errors, the most frequent first."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from mlbench.analysis.queries import OUTCOMES, Queries
from mlbench.records import Outcome

__all__ = ["MOST", "failures"]

MOST = 5
"""How many distinct errors are told; each may be one of a kind."""


def failures(queries: Queries) -> list[dict[str, Any]]:  # Any: JSON
    """The distinct errors of the measured queries that failed or timed out.

    Returns
    -------
    list
        At most `MOST` of ``{error, outcome, count, first_query}``, the most frequent first.
    """
    failed, timed_out = (queries.outcome == each for each in (Outcome.FAILED, Outcome.TIMED_OUT))
    ended = (failed | timed_out) & queries.measured
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], int] = {}
    for row in np.flatnonzero(ended):
        error = queries.error[int(row)] or "no reason was recorded"
        kind = (error, OUTCOMES[int(queries.outcome[row])])
        counts[kind] += 1
        first.setdefault(kind, int(queries.query[row]))
    return [
        {"error": error, "outcome": outcome, "count": count, "first_query": first[error, outcome]}
        for (error, outcome), count in counts.most_common(MOST)
    ]
