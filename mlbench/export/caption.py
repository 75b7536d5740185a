"""What a printed table says below itself: whether its source holds, of how much, how sure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from mlbench.study.study import Study

__all__ = ["of_run", "of_study"]

QUANTILES = (
    "Quantiles are inverted_cdf over queries due in the load phase; failed queries count as "
    "infinite."
)
FLOOR = re.compile(r"p\d+ needs \d+ (queries|spans)")
"""What a quantile needs; how many there are differs from row to row."""


def of_run(summary: Mapping[str, Any]) -> str:  # Any: JSON
    """Why a run is INVALID, if it is, and what its quantiles are."""
    return " ".join([*_invalid(summary["verdict"], summary["reasons"]), QUANTILES])


def of_study(study: Study, frame: pd.DataFrame) -> str:
    """Why a study is INVALID, if it is, of how many blocks its numbers are, and its intervals.

    Parameters
    ----------
    frame
        The estimates that are shown, with ``blocks``, and ``reason`` where there is none.
    """
    from mlbench.study.estimate import CONVENTION

    method, verdict = study.method, study.verdict()
    parts = [
        *_invalid(str(verdict), verdict.reasons),
        *(["Limits of the spec: " + ", ".join(verdict.relaxed) + "."] if verdict.relaxed else []),
        _counted(study, frame),
        f"In brackets {100 * method.confidence:g} % intervals over blocks: "
        f"{CONVENTION[method.name]}.",
        *_missing(frame),
    ]
    return " ".join(parts)


def _invalid(verdict: str, reasons: Sequence[str]) -> Iterator[str]:
    if reasons:
        yield f"{verdict}: {reasons[0].rstrip('.')}."


def _counted(study: Study, frame: pd.DataFrame) -> str:
    """How many blocks the numbers are of, of all that were planned."""
    used = sorted(set(frame.loc[frame["estimate"].notna(), "blocks"])) or [0]
    count = f"{used[0]}" if len(used) == 1 else f"{used[0]} to {used[-1]}"
    return f"Blocks counted: {count} of {study.manifest.repeats}."


def _missing(frame: pd.DataFrame) -> Iterator[str]:
    """What the dashes stand for, ``p99 needs 662 queries``."""
    nulls = frame.loc[frame["estimate"].isna(), "reason"].dropna()
    reasons = dict.fromkeys(_short(map(str, nulls)))
    if reasons:
        yield f"A dash: {'; '.join(reasons)}."


def _short(reasons: Iterable[str]) -> Iterator[str]:
    for reason in reasons:
        floor = FLOOR.search(reason)
        yield floor.group() if floor else reason.rstrip(".")
