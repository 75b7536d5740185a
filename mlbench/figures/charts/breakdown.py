"""Breakdown: where the time of a query goes, step by step."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mlbench.analysis.observation import Observation, observe
from mlbench.errors import FigureError
from mlbench.figures.charts.intervals import bracket, cut_reason
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.glyphs import cut
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import NEUTRAL, QUEUE
from mlbench.figures.source import Observed, Side, Source, source_of
from mlbench.figures.stack import stacked
from mlbench.figures.units import Unit, short, spoken_time, time_unit
from mlbench.figures.validity import invalid, relaxed
from mlbench.figures.venue import INK, SOFT, Theme
from mlbench.records import NULL

__all__ = ["breakdown"]

BESIDE = 0.8
"""The share of the width beside the names of the steps."""

LATENESS, QUEUEING = "lateness", "queueing"
SMALL = 0.005
"""Steps of a smaller share of the whole, on all sides, are named and not drawn."""


@dataclass(frozen=True)
class Steps:
    """Where the mean query of a pipeline spends its time on one side, in ns.

    Parameters
    ----------
    means
        By step, in the order of the pipeline; they sum to the mean latency.
    queries
        How many it is the mean of.
    """

    pipeline: str
    side: Side
    means: dict[str, float]
    queries: int

    @property
    def total(self) -> float:
        """The mean latency."""
        return sum(self.means.values())


def breakdown(
    source: Any,  # Any: a run or a study
    *,
    treatment: str | None = None,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """Where a query's time goes: lateness, queueing, and each stage on its critical path.

    One row a step; each bar begins where the one before it ended, so that the last ends at
    the mean latency. The means are over the measured queries that are done and whose spans
    are whole; of a study, over the means of the blocks of ``study.slowdown()``, whose slowdown
    of mean latency stands above the bars.

    Parameters
    ----------
    source
        A run or a study; of a study the light bar is the pipeline alone.
    treatment
        Of a study with several collocated treatments, which one; default the last.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If no query is done.
    """
    found = source_of(source, "breakdown", treatment=treatment)
    steps = [
        each
        for name in found.present()
        for side in found.sides()
        if (each := _steps(name, side, found.of(name, side))) is not None
    ]
    if not steps:
        raise FigureError(f"breakdown: no query of {found.id} is done with all its spans")
    about = About(
        "breakdown",
        "Where a query's time goes",
        _caption(found, steps),
        (found.id,),
        found.spec_hash,
        invalid(source),
        relaxed=relaxed(source),
    )
    ratios = _ratios(source, found)
    return figure(lambda theme: _draw(found, steps, ratios, theme), about, venue, columns)


Ratios = Mapping[str, Mapping[Hashable, Any]]
"""The row of ``study.slowdown()`` for the mean latency of each pipeline; Any: a cell."""


def _ratios(source: Any, found: Source) -> Ratios:  # Any: a run or a study
    if found.kind == "run":
        return {}
    frame = source.slowdown()
    mine = frame[(frame["metric"] == "latency_mean") & (frame["treatment"] == found.treatment)]
    return {str(row["pipeline"]): row for row in mine.to_dict("records")}


def _caption(found: Source, steps: Sequence[Steps]) -> str:
    both = len({each.side for each in steps}) > 1
    counts = [f"{s.pipeline} {s.side + ' ' if both else ''}n = {s.queries:,}" for s in steps]
    blocks = f", mean over {found.blocks}" if found.blocks else ""
    ratio = " ×: the slowdown of mean latency, geometric mean over blocks." if both else ""
    return (
        f"Mean time of a query on its critical path{blocks}; done queries, {sentence(counts, 6)}. "
        "Bars follow each other: lateness of the dispatch, queueing, then service in each stage; "
        f"the last ends at the mean latency. Steps below {100 * SMALL:g} % of it are not drawn."
        f"{ratio}{found.growing}{found.chosen}"
    )


def _steps(pipeline: str, side: Side, observed: Sequence[Observed]) -> Steps | None:
    """The mean over blocks of each block's means."""
    blocks = [found for each in observed if (found := _means(each)) is not None]
    if not blocks:
        return None
    names = list(dict.fromkeys(step for means, _ in blocks for step in means))
    means = {n: float(np.mean([block.get(n, 0.0) for block, _ in blocks])) for n in names}
    return Steps(pipeline, side, means, sum(count for _, count in blocks))


def _means(observed: Observed) -> tuple[dict[str, float], int] | None:
    seen: Observation = observe(observed.record, observed.pipeline)
    queries = seen.queries
    whole = queries.measured & (queries.service_ns != NULL) & (queries.lateness_ns != NULL)
    count = int(whole.sum())
    if not count:
        return None
    stages: dict[str, float] = dict.fromkeys(_in_order(observed), 0.0)
    for (stage, _), part in seen.path.items():
        stages[stage] = stages.get(stage, 0.0) + float(part.service_ns.sum()) / count
    late, queued = (
        float(v[whole].sum()) / count for v in (queries.lateness_ns, queries.queueing_ns)
    )
    return {LATENESS: late, QUEUEING: queued, **stages}, count


def _in_order(observed: Observed) -> list[str]:
    """The steps of service: the item is fetched before the first stage."""
    names = [str(name) for name in observed.record.pipeline(observed.pipeline)["stages"]]
    return sorted(names, key=lambda name: name != "data")


def _draw(
    found: Source, steps: Sequence[Steps], ratios: Ratios, theme: Theme
) -> Any:  # Any: a chart
    names, room = list(dict.fromkeys(each.pipeline for each in steps)), theme.width * BESIDE
    panels: list[Any] = []
    if len({each.side for each in steps}) > 1:
        squares = [Entry("isolated", QUEUE), Entry("collocated", NEUTRAL)]
        panels.append(key(squares, theme))
    for name in names:
        mine = [each for each in steps if each.pipeline == name]
        notes = _notes(mine, ratios.get(name), theme)
        heading = key([Entry(name), *(Entry(note, note=True) for note in notes)], theme, room)
        panels += [heading, _panel(mine, found.looks[name].colour, theme)]
    return stacked(panels, theme.label_size * 0.3)


def _notes(
    steps: Sequence[Steps], ratio: Mapping[Hashable, Any] | None, theme: Theme
) -> Iterator[str]:
    """What stands beside a pipeline's name: its latency, and the steps that have no bar."""
    means = " → ".join(spoken_time(each.total) for each in steps)
    yield f"mean latency {means}{'' if ratio is None else f', {_spoken(ratio, theme)}'}"
    drawn = _drawn(steps)
    rest = dict.fromkeys(step for each in steps for step in each.means if step not in drawn)
    if rest:
        told = f"below {100 * SMALL:g} %: {', '.join(rest)}"
        yield cut(told, theme.width * BESIDE, theme.label_size)


def _spoken(ratio: Mapping[Hashable, Any], theme: Theme) -> str:  # Any: a cell
    """A slowdown with its interval, or why there is none."""
    estimate = float(ratio["estimate"])
    if isfinite(estimate):
        return f"{short(estimate)}× {bracket(ratio)}".rstrip()
    return cut_reason(ratio["reason"], theme)


def _panel(steps: Sequence[Steps], colour: str, theme: Theme) -> Any:  # Any: a chart
    unit = time_unit(each.total for each in steps)
    frame = _bars(steps, unit, colour)
    order = list(dict.fromkeys(frame["step"]))
    sides = list(dict.fromkeys(frame["side"]))
    most = float(frame["end"].max())
    x = alt.X("begin:Q", title=unit.title("time of a query")).scale(
        domain=[0, most * 1.16], nice=False, zero=True
    )
    y = alt.Y("step:N", sort=order, title=None).scale(paddingInner=0.3, paddingOuter=0.15)
    offset = alt.YOffset("side:N", sort=sides).scale(paddingInner=0.12)
    base = alt.Chart(frame)
    bars = base.mark_bar(minBandSize=0.5).encode(
        x,
        y,
        offset,
        x2="end:Q",
        color=alt.Color("colour:N", scale=None, legend=None),
        tooltip=["step:N", "side:N", "value:N"],
    )
    words = base.mark_text(align="left", dx=theme.label_size * 0.4, color=SOFT).encode(
        alt.X("end:Q"), y, offset, text="value:N"
    )
    height = len(order) * theme.label_size * (1.45 if len(sides) == 1 else 2.5)
    return alt.layer(bars, words).properties(height=height)


def _bars(steps: Sequence[Steps], unit: Unit, colour: str) -> pd.DataFrame:
    """One row a bar: ``step``, ``side``, ``begin`` and ``end`` in the unit, its ``colour``."""
    drawn = _drawn(steps)
    rows = []
    for each in steps:
        at = 0.0
        for step, mean in each.means.items():
            rows.append(
                {
                    "step": step,
                    "side": each.side,
                    "begin": at / unit.size,
                    "end": (at + mean) / unit.size,
                    "value": spoken_time(mean),
                    "colour": _colour(step, each.side, colour, len(steps) > 1),
                }
            )
            at += mean
    table: pd.DataFrame = pd.DataFrame([row for row in rows if row["step"] in drawn])
    return table


def _drawn(steps: Sequence[Steps]) -> set[str]:
    """The steps that are long enough for a bar; the longest is one in any case."""
    most = max(each.total for each in steps)
    return {step for each in steps for step, mean in each.means.items() if mean >= SMALL * most}


def _colour(step: str, side: Side, colour: str, both: bool) -> str:
    from mlbench.figures.palette import tints

    own = {LATENESS: INK, QUEUEING: NEUTRAL}.get(step, colour)
    return tints(own, 2)[1] if both and side == "isolated" else own
