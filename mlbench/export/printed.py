"""Results as printed tables: cells of text, which LaTeX and HTML set in their own ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Any

from mlbench.export.caption import of_run, of_study
from mlbench.run import Run

if TYPE_CHECKING:
    import pandas as pd

    from mlbench.study.study import Study

__all__ = ["Printed", "printed_tables"]

NONE = "–"
SLOWDOWNS = {
    "latency_mean": "mean latency",
    "latency_p50": "p50",
    "latency_p90": "p90",
    "latency_p99": "p99",
    "throughput": "throughput",
}
STAGES = {
    "service_mean": "service mean",
    "service_p50": "service p50",
    "queueing_mean": "queueing mean (ms more)",
}
TOGETHER = {"stp": "STP", "antt": "ANTT", "jain": "Jain", "fairness": "fairness"}


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
    told = f"{of_run(summary)} A dash: too few queries, or none."
    rates = ("offered (1/s)", "achieved (1/s)")
    yield Printed(
        "pipelines",
        f"Pipelines of the run {run.id}: rates and latency. {told}",
        ("pipeline", "queries", "errors", *rates, "mean (ms)", "p50 (ms)", "p90 (ms)", "p99 (ms)"),
        tuple(_pipeline_row(name, found) for name, found in pipelines.items()),
    )
    service = ("service mean (ms)", "service p50 (ms)", "service p90 (ms)")
    yield Printed(
        "stages",
        f"Stages: service is the time inside, queueing the time in front. {told}",
        ("pipeline", "stage", "spans", *service, "queueing mean (ms)"),
        tuple(
            (name, stage, f"{times['spans']:,}", *_times(times))
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
        *(_number(latency[key]) for key in ("mean", "p50", "p90", "p99")),
    )


def _times(found: Mapping[str, Any]) -> tuple[str, ...]:  # Any: JSON
    service = found["service_ms"]
    shown = [service[key] for key in ("mean", "p50", "p90")]
    return tuple(_number(value) for value in (*shown, found["queueing_ms"]["mean"]))


# -- a study -----------------------------------------------------------------------------


def _of_study(study: Study) -> Iterator[Printed]:
    told = (
        "Slowdown, collocated over isolated (of throughput isolated over collocated); above 1 "
        "is worse."
    )
    yield _estimates(study, "slowdown", told, ("treatment", "pipeline"), SLOWDOWNS)
    told = "Stages: slowdown of the service time, and the time that queueing in front adds."
    yield _estimates(study, "stages", told, ("treatment", "pipeline", "stage"), STAGES)
    told = "What the pipelines achieve together."
    yield _estimates(study, "together", told, ("treatment",), TOGETHER)


def _estimates(
    study: Study, name: str, told: str, keys: tuple[str, ...], titles: Mapping[str, str]
) -> Printed:
    """One of the study's tables: a row for each combination of ``keys``, a column a metric."""
    frame: pd.DataFrame = getattr(study, name)()
    frame = frame[frame["metric"].isin(list(titles))]
    found: dict[tuple[str, ...], dict[str, str]] = {}
    columns = [*keys, "metric", "estimate", "low", "high"]
    for row in frame[columns].itertuples(index=False):
        *words, metric = map(str, row[:-3])
        found.setdefault(tuple(words), {})[metric] = _interval(*row[-3:])
    rows = ((*words, *(cells.get(each, NONE) for each in titles)) for words, cells in found.items())
    caption = f"{told} {of_study(study, frame)}"
    return Printed(name, caption, (*keys, *titles.values()), tuple(rows), words=len(keys))


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
