"""The results of a study as tidy tables: one row an estimate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlbench.analysis.comparison import SERVICE_METRICS
from mlbench.study.addition import AddedLatency
from mlbench.study.estimate import Estimate
from mlbench.study.results import PipelineResult, TreatmentResult
from mlbench.study.together import TOGETHER_METRICS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["added_table", "matrix_table", "slowdown_table", "stage_table", "together_table"]

Results = Mapping[str, TreatmentResult]
Row = dict[str, Any]  # Any: a cell

ESTIMATE = ("estimate", "low", "high", "isolated", "collocated", "blocks", "reason")
CATEGORIES = ("treatment", "pipeline", "beside", "stage", "metric", "part", "unit", "outcome")


def slowdown_table(results: Results) -> pd.DataFrame:
    """One row a treatment, pipeline and metric."""
    keys = ("treatment", "dial", "pipeline", "metric", "outcome", "rate_limited")
    return _frame(_slowdowns(results), (*keys, *ESTIMATE))


def stage_table(results: Results) -> pd.DataFrame:
    """One row a treatment, pipeline, stage and metric."""
    rows = (
        {**_place(result, name), "stage": stage, "metric": key, "unit": _unit(key), **_cells(found)}
        for result, name, pipeline in _pipelines(results)
        for stage, metrics in pipeline.stages.items()
        for key, found in metrics.items()
    )
    keys = ("treatment", "dial", "pipeline", "stage", "metric", "unit")
    return _frame(rows, (*keys, *ESTIMATE))


def added_table(results: Results) -> pd.DataFrame:
    """One row a treatment, pipeline and part of the latency that collocation adds, in ms."""
    rows = (
        {**_place(result, name), "part": part, "stage": stage, **_cells(found)}
        for result, name, pipeline in _pipelines(results)
        for part, stage, found in _parts(pipeline.added)
    )
    keys = ("treatment", "dial", "pipeline", "part", "stage", "estimate", "low", "high", "blocks")
    return _frame(rows, (*keys, "reason"))


def matrix_table(results: Results) -> pd.DataFrame:
    """One row a pipeline, the one that it ran beside, and metric; of treatments of two."""
    rows = (
        {**row, "beside": _other(results[row["treatment"]], row["pipeline"])}
        for row in _slowdowns(results)
        if len(results[row["treatment"]].pipelines) == 2
    )
    keys = ("pipeline", "beside", "metric", "treatment", "dial", "outcome", "rate_limited")
    return _frame(rows, (*keys, *ESTIMATE))


def together_table(results: Results) -> pd.DataFrame:
    """One row a treatment and metric: STP, ANTT, Jain's index, fairness."""
    rows = (
        {"treatment": name, "dial": result.treatment.dial, "metric": key, **_cells(found)}
        for name, result in results.items()
        for key in TOGETHER_METRICS
        for found in (result.together[key],)
    )
    keys = ("treatment", "dial", "metric", "estimate", "low", "high", "blocks", "reason")
    return _frame(rows, keys)


def _parts(added: AddedLatency | str) -> Iterator[tuple[str, str | None, Estimate]]:
    if isinstance(added, str):
        yield "latency", None, Estimate(reason=added)
    else:
        yield "latency", None, added.latency_ms
        yield from added.parts()


def _pipelines(results: Results) -> Iterator[tuple[TreatmentResult, str, PipelineResult]]:
    for result in results.values():
        for name, pipeline in result.pipelines.items():
            yield result, name, pipeline


def _slowdowns(results: Results) -> Iterator[Row]:
    for result, name, pipeline in _pipelines(results):
        about = {"outcome": pipeline.outcome, "rate_limited": pipeline.rate_limited}
        for key, found in pipeline.slowdown.items():
            cells = _cells(found)
            cells["reason"] = pipeline.reason or found.reason
            yield {**_place(result, name), "metric": key, **about, **cells}


def _place(result: TreatmentResult, pipeline: str) -> Row:
    treatment = result.treatment
    return {"treatment": treatment.name, "dial": treatment.dial, "pipeline": pipeline}


def _cells(found: Estimate) -> Row:
    return {key: getattr(found, key) for key in ESTIMATE}


def _unit(metric: str) -> str:
    return "ratio" if metric in SERVICE_METRICS else "ms"


def _other(result: TreatmentResult, pipeline: str) -> str:
    return next(name for name in result.pipelines if name != pipeline)


def _frame(rows: Iterable[Row], columns: tuple[str, ...]) -> pd.DataFrame:
    """The rows with these columns; numbers as numbers where all of a column are null, too."""
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame(list(rows), columns=list(columns))
    typed: pd.DataFrame = frame.astype({name: _kind(name) for name in columns})
    return typed


def _kind(column: str) -> str:
    exact = {"blocks": "int64", "rate_limited": "bool", "reason": "object"}
    return exact.get(column) or ("category" if column in CATEGORIES else "float64")
