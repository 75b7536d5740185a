"""Slowdown: each pipeline and each of its stages collocated beside itself alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any

import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.charts.intervals import cut_reason, interval_layers, ratio_scale
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import looks
from mlbench.figures.stack import stacked
from mlbench.figures.study import check_study, interval_words
from mlbench.figures.validity import caveat
from mlbench.figures.venue import Theme

__all__ = ["slowdown"]

METRICS = {
    "latency_p50": "latency p50",
    "latency_p90": "latency p90",
    "latency_p99": "latency p99",
    "throughput": "throughput",
}
STAGES = "service_p50"
FETCH = "data"


def slowdown(
    study: Any,  # Any: a study
    *,
    metric: str = "latency_p50",
    stages: bool = True,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """How much slower each pipeline is collocated, with intervals over blocks.

    A ratio above 1 is worse, for throughput too. A row without a number says why. Filled
    points are of the whole pipeline, hollow ones the median service time of a stage.

    Parameters
    ----------
    study
        A study. Of one with several collocated treatments, a row is a treatment.
    metric
        The one that is drawn of several treatments, as ``study.slowdown()`` names it.
    stages
        Whether stages are drawn.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If it is no study, or nothing in it is collocated.
    """
    check_study(study, "slowdown")
    frame = study.slowdown()
    if not len(frame):
        raise FigureError(f"slowdown: {study.id} has no collocated run to compare yet")
    table = _one_treatment(study, frame, stages)
    if frame["treatment"].nunique() > 1:
        table = _many_treatments(study, frame, metric)
    about = About(
        "slowdown",
        "Slowdown",
        _caption(study, frame, metric) + caveat(study),
        (study.id,),
        study.manifest.spec_hash,
    )
    names = list(study.manifest.spec.pipelines)
    return figure(lambda theme: _draw(table, names, theme), about, venue, columns)


def _one_treatment(study: Any, frame: pd.DataFrame, stages: bool) -> pd.DataFrame:
    """``pipeline``, ``row`` and what `interval_layers` needs; first metrics, then stages."""
    whole: pd.DataFrame = frame[frame["metric"].isin(METRICS)].copy()
    whole["row"] = whole["metric"].astype(str).map(METRICS)
    whole["of"] = "pipeline"
    if not stages:
        return whole
    parts = study.stages()
    parts = parts[(parts["metric"] == STAGES) & (parts["stage"] != FETCH)].copy()
    parts["row"] = parts["stage"].astype(str)
    parts["of"] = "stage"
    both: pd.DataFrame = pd.concat([whole, parts], ignore_index=True)
    return both


def _many_treatments(study: Any, frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    known = list(dict.fromkeys(frame["metric"].astype(str)))
    if metric not in known:
        raise FigureError(f"slowdown: there is no metric {metric!r} (known: {', '.join(known)})")
    beside = study.matrix().set_index(["treatment", "pipeline"])["beside"].astype(str).to_dict()
    table: pd.DataFrame = frame[frame["metric"] == metric].copy()
    table["row"] = [
        _beside(row["treatment"], beside.get((row["treatment"], row["pipeline"])), row["dial"])
        for row in table.to_dict("records")
    ]
    table["of"] = "pipeline"
    return _without_neighbour(table)


def _without_neighbour(table: pd.DataFrame) -> pd.DataFrame:
    """A dial without its co-tenant, of which nothing is told but that it was there."""
    known = table["estimate"].notna().groupby(table["pipeline"].astype(str)).any()
    told = table["pipeline"].astype(str).map(known)
    kept: pd.DataFrame = table[told | table["dial"].isna()]
    return kept if len(kept) else table


def _beside(treatment: str, other: str | None, dial: float) -> str:
    """A treatment, seen from one of its pipelines."""
    if other is None:
        return treatment
    return f"beside {other}" if isnan(dial) else f"beside {other} at {dial:.0%}"


def _caption(study: Any, frame: pd.DataFrame, metric: str) -> str:
    blocks = sorted({int(count) for count in frame["blocks"]})
    count = f"{blocks[0]}" if len(blocks) == 1 else f"{blocks[0]} to {blocks[-1]}"
    several = frame["treatment"].nunique() > 1
    what = f"Slowdown of {METRICS.get(metric, metric)}" if several else "Slowdown"
    hollow = "" if several else " Hollow: median service time of a stage."
    drawn = [metric] if several else list(METRICS)
    nulls = frame[frame["estimate"].isna() & frame["metric"].isin(drawn)]
    left = sorted(set(nulls["pipeline"].astype(str)))
    missing = f" Not every metric of {sentence(left)} has a value." if left else ""
    return (
        f"{what}, collocated over isolated; above 1 is worse. {interval_words(study)} over "
        f"n = {count} blocks.{hollow}{missing}"
    )


def _draw(table: pd.DataFrame, names: Sequence[str], theme: Theme) -> Any:  # Any: a chart
    known = looks(names)
    drawn = [name for name in names if name in set(table["pipeline"].astype(str))]
    low, high = ratio_scale(table)
    panels: list[Any] = []
    for name in drawn:
        mine = table[table["pipeline"].astype(str) == name].reset_index(drop=True)
        mine["said"] = [cut_reason(reason, theme) for reason in mine["reason"]]
        panels.append(key([Entry(name)], theme))
        panels.append(
            interval_layers(mine, known[name], (low, high), theme, last=name == drawn[-1])
        )
    return stacked(panels, theme.label_size * 0.25)
