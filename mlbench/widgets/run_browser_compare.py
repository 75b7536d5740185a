"""Two runs, or two studies, side by side: their headline metrics and how they relate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlbench.errors import MlbenchError
from mlbench.run import Run
from mlbench.study.study import Study

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compared"]

Json = Mapping[str, Any]
"""A summary; Any: JSON."""

OF_RUN = (
    ("throughput", "queries/s", ("achieved_rate",)),
    ("latency p50", "ms", ("latency_ms", "p50")),
    ("latency p90", "ms", ("latency_ms", "p90")),
    ("latency p99", "ms", ("latency_ms", "p99")),
    ("queueing mean", "ms", ("queueing_ms", "mean")),
    ("service mean", "ms", ("service_ms", "mean")),
    ("lateness p99", "ms", ("lateness_ms", "p99")),
    ("queries", "", ("queries",)),
    ("errors", "", ("errors",)),
)
OF_STUDY = ("throughput", "latency_mean", "latency_p50", "latency_p90", "latency_p99")
OF_TREATMENT = ("stp", "antt", "jain", "fairness")
COLUMNS = ("pipeline", "metric", "unit", "first", "second", "ratio")


def compared(first: Run | Study, second: Run | Study) -> pd.DataFrame:
    """The headline metrics of two runs, or of two studies, side by side.

    Returns
    -------
    DataFrame
        ``pipeline`` (of a study ``treatment: pipeline``), ``metric``, ``unit``, ``first``,
        ``second`` (float; null where one has none) and ``ratio``, second over first.

    Raises
    ------
    MlbenchError
        If one is a run and the other a study.
    """
    import pandas as pd

    if isinstance(first, Run) and isinstance(second, Run):
        sides = [dict(_of_run(each.summary())) for each in (first, second)]
    elif isinstance(first, Study) and isinstance(second, Study):
        sides = [dict(_of_study(each.summary())) for each in (first, second)]
    else:
        raise MlbenchError("a run and a study have no metric in common: choose two of a kind")
    rows = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = sides[0].get(key), sides[1].get(key)
        rows.append((*key, one, other, None if not one or other is None else other / one))
    frame: pd.DataFrame = pd.DataFrame(rows, columns=COLUMNS)
    numbers = dict.fromkeys(("first", "second", "ratio"), "float64")
    typed: pd.DataFrame = frame.astype(numbers)
    return typed


def _of_run(summary: Json) -> Iterator[tuple[tuple[str, str, str], float | None]]:
    for name, pipeline in summary["pipelines"].items():
        for metric, unit, path in OF_RUN:
            yield (name, metric, unit), _at(pipeline, path)


def _of_study(summary: Json) -> Iterator[tuple[tuple[str, str, str], float | None]]:
    for treatment, found in summary["treatments"].items():
        for name, pipeline in found["pipelines"].items():
            slowdown = pipeline.get("slowdown") or {}
            for metric in OF_STUDY:
                title = f"slowdown of {metric.replace('_', ' ')}"
                yield (f"{treatment}: {name}", title, ""), _at(slowdown, (metric, "estimate"))
        for metric in OF_TREATMENT:
            yield (treatment, metric, ""), _at(found, (metric, "estimate"))


def _at(data: Json, path: tuple[str, ...]) -> float | None:
    """A number deep in a document; null where anything on the way is."""
    found: Any = data
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else float(found)
