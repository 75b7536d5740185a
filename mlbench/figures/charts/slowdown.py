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
from mlbench.figures.palette import NEUTRAL, looks
from mlbench.figures.stack import stacked
from mlbench.figures.study import (
    blocks_words,
    check_study,
    interval_words,
    metric_words,
    ratio_title,
    ratio_words,
)
from mlbench.figures.validity import invalid, relaxed
from mlbench.figures.venue import Theme

__all__ = ["slowdown"]

LATENCIES = ("latency_mean", "latency_p50", "latency_p90", "latency_p99")
METRICS = (*LATENCIES, "throughput")
STAGES = "service_mean"
FETCH = "data"
WORSE = "(×, above 1 is worse)"


def slowdown(
    study: Any,  # Any: a study
    *,
    metric: str = "latency_p50",
    stages: bool = True,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """How much slower each pipeline is collocated, with intervals over blocks.

    A ratio above 1 is worse: of times it is collocated over isolated, of throughput isolated
    over collocated, its loss. Latencies without a number are one row that says why. Filled
    points are of the whole pipeline, hollow ones the mean service time of a stage.

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
    several = frame["treatment"].nunique() > 1
    if several:
        table, title = _many_treatments(study, frame, metric), ratio_title(metric)
    else:
        table, title = _one_treatment(study, frame, stages), f"slowdown {WORSE}"
    about = About(
        "slowdown",
        "Slowdown",
        _caption(study, table, metric if several else ""),
        (study.id,),
        study.manifest.spec_hash,
        invalid(study),
        relaxed=relaxed(study),
    )
    names = list(study.manifest.spec.pipelines)
    return figure(lambda theme: _draw(table, names, title, theme), about, venue, columns)


def _one_treatment(study: Any, frame: pd.DataFrame, stages: bool) -> pd.DataFrame:
    """``pipeline``, ``row`` and what `interval_layers` needs; first metrics, then stages."""
    whole: pd.DataFrame = _nulls_as_one(frame[frame["metric"].isin(METRICS)])
    whole["of"] = "pipeline"
    if not stages:
        return whole
    parts = study.stages()
    parts = parts[(parts["metric"] == STAGES) & (parts["stage"] != FETCH)].copy()
    parts["row"] = parts["stage"].astype(str)
    parts["of"] = "stage"
    both: pd.DataFrame = pd.concat([whole, parts], ignore_index=True)
    return both


def _nulls_as_one(whole: pd.DataFrame) -> pd.DataFrame:
    """The rows with their names; those of a pipeline's latencies without a number are one.

    Its reason is that of the first, which asks for least.
    """
    rows: pd.DataFrame = whole.assign(
        row=[metric_words(metric) for metric in whole["metric"].astype(str)]
    )
    null = rows["estimate"].isna() & rows["metric"].isin(LATENCIES)
    for _, mine in rows[null].groupby("pipeline", observed=True):
        kinds = [str(row).removeprefix("latency ") for row in mine["row"]]
        rows.loc[mine.index[0], "row"] = f"latency {', '.join(kinds)}"
        rows = rows.drop(mine.index[1:])
    return rows


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


def _caption(study: Any, table: pd.DataFrame, metric: str) -> str:
    """What is drawn: of several treatments one metric, else all of METRICS and stages."""
    what = "Slowdown: of times collocated over isolated, of throughput isolated over collocated"
    stages = (table["of"] == "stage").any()
    hollow = " Hollow: mean service time of a stage." if stages else ""
    left = sorted(set(table["pipeline"][table["estimate"].isna()].astype(str)))
    missing = f" Not every metric of {sentence(left)} has a value." if left else ""
    return (
        f"{ratio_words(metric) if metric else what}; above 1 is worse. Geometric means over "
        f"n = {blocks_words(study)}. {interval_words(study)}.{hollow}{missing}"
    )


def _draw(
    table: pd.DataFrame, names: Sequence[str], title: str, theme: Theme
) -> Any:  # Any: a chart
    known = looks(names)
    drawn = [name for name in names if name in set(table["pipeline"].astype(str))]
    ends = ratio_scale(table)
    panels: list[Any] = []
    if (table["of"] == "stage").any():
        whole = Entry("pipeline", NEUTRAL, shape="circle")
        stage = Entry("stage, mean service time", NEUTRAL, shape="circle", hollow=True)
        panels.append(key([whole, stage], theme, theme.width * 0.6))
    for name in drawn:
        mine = table[table["pipeline"].astype(str) == name].reset_index(drop=True)
        mine["said"] = [cut_reason(reason, theme) for reason in mine["reason"]]
        last = name == drawn[-1]
        panels.append(key([Entry(name)], theme))
        panels.append(interval_layers(mine, known[name], ends, theme, last=last, title=title))
    return stacked(panels, theme.label_size * 0.25)
