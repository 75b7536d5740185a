"""Results as printed tables: cells of text, which LaTeX and HTML set in their own ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Any

from mlbench.run import Run

if TYPE_CHECKING:
    import pandas as pd

    from mlbench.study.study import Study

__all__ = ["Printed", "printed_tables"]

NONE = "–"
SLOWDOWNS = {
    "latency_p50": "p50",
    "latency_p90": "p90",
    "latency_p99": "p99",
    "throughput": "throughput",
}
CONVENTION = (
    "Quantiles are inverted_cdf over queries due in the load phase; failed queries count as "
    "infinite; a dash: too few queries, or none."
)


@dataclass(frozen=True)
class Printed:
    """One table.

    Parameters
    ----------
    name
        Of its file, and of its label.
    words
        How many columns from the left are words; the others are numbers.
    """

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


def printed_tables(source: Run | Study) -> list[Printed]:
    """The tables of a run or a study, those without rows left out."""
    tables = _of_run(source) if isinstance(source, Run) else _of_study(source)
    return [table for table in tables if table.rows]


# -- a run -------------------------------------------------------------------------------


def _of_run(run: Run) -> Iterator[Printed]:
    summary = run.summary()
    pipelines: Mapping[str, Any] = summary["pipelines"]  # Any: JSON
    yield Printed(
        "pipelines",
        f"Pipelines of the run {run.id}. {CONVENTION}",
        (
            "pipeline",
            "queries",
            "errors",
            "offered (1/s)",
            "achieved (1/s)",
            "p50 (ms)",
            "p90 (ms)",
            "p99 (ms)",
        ),
        tuple(_pipeline_row(name, found) for name, found in pipelines.items()),
    )
    yield Printed(
        "stages",
        "Stages: service is the time inside, queueing the time in front.",
        ("pipeline", "stage", "spans", "service p50 (ms)", "p90 (ms)", "queueing p50 (ms)"),
        tuple(
            (
                name,
                stage,
                f"{times['spans']:,}",
                _number(times["service_ms"]["p50"]),
                _number(times["service_ms"]["p90"]),
                _number(times["queueing_ms"]["p50"]),
            )
            for name, found in pipelines.items()
            for stage, times in found["stages"].items()
        ),
        words=2,
    )


def _pipeline_row(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:  # Any: JSON
    latency = found["latency_ms"]
    return (
        name,
        f"{found['queries']:,}",
        f"{found['errors']:,}",
        _number(found["offered_rate"]),
        _number(found["achieved_rate"]),
        *(_number(latency[key]) for key in ("p50", "p90", "p99")),
    )


# -- a study -----------------------------------------------------------------------------


def _of_study(study: Study) -> Iterator[Printed]:
    from mlbench.study.estimate import CONVENTION as INTERVALS

    method = study.method
    told = f"{100 * method.confidence:g} % intervals over blocks: {INTERVALS[method.name]}."
    slowdowns = study.slowdown()
    yield Printed(
        "slowdown",
        f"Slowdown, collocated over isolated; above 1 is worse. {told}",
        ("treatment", "pipeline", *SLOWDOWNS.values()),
        tuple(_slowdown_rows(slowdowns)),
        words=2,
    )
    stages = study.stages()
    service = stages[stages["metric"] == "service_p50"]
    queueing = stages[stages["metric"] == "queueing_mean"]
    keys = ["treatment", "pipeline", "stage"]
    added = {tuple(map(str, row[:3])): row[3:] for row in _estimates(queueing, keys)}
    yield Printed(
        "stages",
        f"Stages: slowdown of the median service time, and added queueing in ms. {told}",
        ("treatment", "pipeline", "stage", "service", "queueing (ms)"),
        tuple(
            (*map(str, row[:3]), _interval(*row[3:]), _interval(*added.get(row[:3], NULLS)))
            for row in _estimates(service, keys)
        ),
        words=3,
    )
    together = study.together()
    yield Printed(
        "together",
        f"What the pipelines achieve together. {told}",
        ("treatment", "STP", "ANTT", "Jain", "fairness"),
        tuple(_together_rows(together)),
    )


NULLS = (None, None, None)


def _estimates(frame: pd.DataFrame, keys: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Keys as text, then estimate, low and high. Any: text or numbers."""
    columns = [*keys, "estimate", "low", "high"]
    for row in frame[columns].itertuples(index=False):
        yield (*map(str, row[: len(keys)]), *row[len(keys) :])


def _slowdown_rows(frame: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for (treatment, pipeline), rows in frame.groupby(
        ["treatment", "pipeline"], observed=True, sort=False
    ):
        found = {str(row[0]): row[1:] for row in _estimates(rows, ["metric"])}
        yield (
            str(treatment),
            str(pipeline),
            *(_interval(*found.get(metric, NULLS)) for metric in SLOWDOWNS),
        )


def _together_rows(frame: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for treatment, rows in frame.groupby("treatment", observed=True, sort=False):
        found = {str(row[0]): row[1:] for row in _estimates(rows, ["metric"])}
        metrics = ("stp", "antt", "jain", "fairness")
        yield (str(treatment), *(_interval(*found.get(metric, NULLS)) for metric in metrics))


def _interval(estimate: float | None, low: float | None, high: float | None) -> str:
    """``1.42 [1.30, 1.54]``; the number alone where there is one block."""
    if not _known(estimate):
        return NONE
    if not (_known(low) and _known(high)):
        return _number(estimate)
    return f"{_number(estimate)} [{_number(low)}, {_number(high)}]"


def _known(value: float | None) -> bool:
    return value is not None and isfinite(value)


def _number(value: float | None) -> str:
    """Three digits.

    Examples
    --------
    >>> [_number(value) for value in (None, 0.0, 0.01234, 1.234, 186.2, 4567.8)]
    ['–', '0', '0.0123', '1.23', '186', '4,568']
    """
    if value is None or not isfinite(value):
        return NONE
    if value == 0:
        return "0"
    digits = max(0, min(5, 2 - floor(log10(abs(value)))))
    return f"{value:,.{digits}f}"
