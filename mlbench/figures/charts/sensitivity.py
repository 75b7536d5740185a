"""Sensitivity: slowdown over the dial of one co-tenant."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.charts.curves import curves
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.palette import looks
from mlbench.figures.study import check_study, interval_words
from mlbench.figures.validity import caveat
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
        f"Slowdown of {metric.replace('_', ' ')} over the dial of {beside}; 0 is alone. "
        f"{interval_words(study)} over n = {int(known['blocks'].max())} blocks.{_left_out(mine)}"
    )
    caption += caveat(study)
    about = About("sensitivity", "Sensitivity", caption, (study.id,), study.manifest.spec_hash)
    names = list(study.manifest.spec.pipelines)
    return figure(lambda theme: _draw(known, names, beside, theme), about, venue, columns)


def _why(frame: pd.DataFrame) -> str:
    reasons = [reason for reason in frame["reason"] if isinstance(reason, str)]
    return f": {reasons[0]}" if reasons else ""


def _left_out(frame: pd.DataFrame) -> str:
    """How many points are null, of the pipelines that have any at all."""
    known = set(frame["pipeline"][frame["estimate"].notna()].astype(str))
    mine = frame[frame["pipeline"].astype(str).isin(known)]
    count = int(mine["estimate"].isna().sum())
    return f" {count} of {len(mine)} points have no value." if count else ""


def _draw(known: pd.DataFrame, names: list[str], beside: str, theme: Theme) -> Any:
    """The curves, from 1 where the co-tenant is off. Any: a chart."""
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
    return curves(table, looks(names), x, "slowdown", theme, unity=True)
