"""Sensitivity: slowdown over the dial of one co-tenant."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.charts.curves import curves
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.palette import looks
from mlbench.figures.study import (
    blocks_words,
    check_study,
    interval_words,
    ratio_title,
    ratio_words,
)
from mlbench.figures.validity import invalid, relaxed
from mlbench.figures.venue import Theme

__all__ = ["sensitivity"]


def sensitivity(
    study: Any,  # Any: a study
    *,
    metric: str = "latency_p50",
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """How the slowdown of each pipeline grows as a co-tenant is turned up.

    Parameters
    ----------
    study
        A study against a co-tenant.
    metric
        As ``study.sensitivity()`` names it.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If it has no dial, or no number for that metric.
    """
    check_study(study, "sensitivity")
    frame = study.sensitivity()
    if not len(frame):
        raise FigureError(f"sensitivity: {study.id} has no dial: collocate with design: against")
    mine = frame[(frame["metric"] == metric)]
    known = mine[mine["estimate"].notna()]
    if not len(known):
        raise FigureError(f"sensitivity: no value of {metric!r} in {study.id}{_why(mine)}")
    beside = sentence(sorted(set(known["beside"].astype(str))))
    caption = (
        f"{ratio_words(metric)} over the dial of {beside}; 0 is alone. "
        f"{interval_words(study)} over n = {blocks_words(study)}.{_left_out(mine)}"
    )
    about = About(
        "sensitivity",
        "Sensitivity",
        caption,
        (study.id,),
        study.manifest.spec_hash,
        invalid(study),
        relaxed=relaxed(study),
    )
    names, title = list(study.manifest.spec.pipelines), ratio_title(metric)
    return figure(lambda theme: _draw(known, names, beside, title, theme), about, venue, columns)


def _why(frame: pd.DataFrame) -> str:
    reasons = [reason for reason in frame["reason"] if isinstance(reason, str)]
    return f": {reasons[0]}" if reasons else ""


def _left_out(frame: pd.DataFrame) -> str:
    """How many points are null, of the pipelines that have any at all."""
    known = set(frame["pipeline"][frame["estimate"].notna()].astype(str))
    mine = frame[frame["pipeline"].astype(str).isin(known)]
    count = int(mine["estimate"].isna().sum())
    return f" {count} of {len(mine)} points have no value." if count else ""


def _draw(
    known: pd.DataFrame, names: list[str], beside: str, title: str, theme: Theme
) -> Any:  # Any: a chart
    """The curves, from 1 where the co-tenant is off."""
    table = pd.DataFrame(
        {
            "name": known["pipeline"].astype(str),
            "x": 100 * known["dial"],
            "estimate": known["estimate"],
            "low": known["low"],
            "high": known["high"],
        }
    )
    x = alt.X("x:Q", title=f"dial of {beside} (%)").scale(domain=[0, 100], nice=False)
    return curves(table, looks(names), x, title, theme, unity=True)
