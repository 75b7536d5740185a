"""Trade-off: how much gets done together, against what the tail pays for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite, nan
from typing import Any

import altair as alt
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.charts.curves import apart, pixels
from mlbench.figures.figure import About, Chart, figure
from mlbench.figures.palette import COLOURS, SHAPES
from mlbench.figures.study import THROUGHPUT, metric_words
from mlbench.figures.table import column_of, columns_of
from mlbench.figures.units import linear_or_log, log_ticks
from mlbench.figures.validity import invalid, relaxed
from mlbench.figures.venue import INK, SOFT, Theme

__all__ = ["tradeoff"]

METRIC = "latency_p99"


def tradeoff(
    source: Any,  # Any: a study, several by name, or a table
    *,
    metric: str = METRIC,
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """STP against the inflation of tail latency: up and to the left is bad, down and right good.

    Of throughput it is the loss: how much less of it is left than alone.

    STP alone rewards whoever lets one pipeline run away with the machine, so the worst tail of
    all pipelines stands beside it.

    Parameters
    ----------
    source
        A study, of which each collocated treatment is a point; a mapping from names to
        studies; or a table with the columns ``name``, ``stp`` and ``inflation`` (percent; of
        throughput the loss), and ``stp_low``, ``stp_high``, ``inflation_low``,
        ``inflation_high`` where there are.
    metric
        Whose inflation: of all pipelines the worst. ``throughput`` for its loss.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If no point has both.
    """
    table, runs, spec = _table(source, metric)
    known = table[table["stp"].notna() & table["inflation"].notna()].reset_index(drop=True)
    if not len(known):
        reasons = [str(why) for why in table.get("reason", []) if isinstance(why, str)]
        told = f": {reasons[0]}" if reasons else ""
        raise FigureError(f"tradeoff: no point has both an STP and a {metric}{told}")
    left = len(table) - len(known)
    missing = f" {left} of {len(table)} have no value." if left else ""
    caption = (
        "STP (Eyerman and Eeckhout, 2008: sum of normalised progress in throughput) against the "
        f"{_spoken(metric)} of the pipeline that suffers most. "
        f"Bars: intervals over blocks, where there are any.{missing}"
    )
    title = f"STP against {metric_words(metric) if metric == THROUGHPUT else 'tail latency'}"
    told, limits = invalid(source), relaxed(source)
    about = About("tradeoff", title, caption, runs, spec, told, relaxed=limits)
    return figure(lambda theme: _draw(known, metric, theme), about, venue, columns)


def _spoken(metric: str) -> str:
    """What stands against STP: that of throughput is a loss."""
    words = metric_words(metric)
    return (
        f"{words} (the part of its throughput alone that is gone)"
        if metric == THROUGHPUT
        else f"inflation of {words}"
    )


def _percent(ratio: float, metric: str) -> float:
    """A slowdown as percent: of throughput its loss, of a latency its inflation.

    Examples
    --------
    >>> _percent(2.0, "throughput"), _percent(2.0, "latency_p99")
    (50.0, 100.0)
    """
    return 100 * (1 - 1 / ratio) if metric == THROUGHPUT else 100 * (ratio - 1)


def _table(source: Any, metric: str) -> tuple[pd.DataFrame, tuple[str, ...], str]:
    """Points, with the ids and the spec hash of what they come from."""
    from mlbench.study.study import Study

    if isinstance(source, pd.DataFrame):
        return _of_table(source), (), ""
    studies = {"": source} if isinstance(source, Study) else source
    if not isinstance(studies, Mapping) or not all(isinstance(s, Study) for s in studies.values()):
        raise FigureError(
            f"tradeoff needs a study, studies by name or a table, got {type(source).__name__}"
        )
    rows = [row for name, study in studies.items() for row in _points(name, study, metric)]
    ids = tuple(study.id for study in studies.values())
    first = next(iter(studies.values()))
    return pd.DataFrame(rows), ids, first.manifest.spec_hash if len(studies) == 1 else ""


def _of_table(source: pd.DataFrame) -> pd.DataFrame:
    table: pd.DataFrame = pd.DataFrame({"name": column_of(source, "name", "tradeoff").astype(str)})
    for quantity in ("stp", "inflation"):
        estimate, low, high = columns_of(source, quantity, "tradeoff")
        table[quantity], table[f"{quantity}_low"], table[f"{quantity}_high"] = estimate, low, high
    return table


def _points(name: str, study: Any, metric: str) -> Iterator[dict[str, Any]]:  # Any: a row
    slowdowns = study.slowdown()
    together = study.together()
    stp = together[together["metric"] == "stp"].set_index("treatment")
    mine = slowdowns[slowdowns["metric"] == metric]
    several = mine["treatment"].nunique() > 1
    for treatment, rows in mine.groupby("treatment", observed=True, sort=False):
        worst = rows.loc[rows["estimate"].idxmax()] if rows["estimate"].notna().all() else None
        found = stp.loc[treatment]
        label = f"{name} {treatment}".strip() if several or not name else name
        yield {
            "name": label,
            "stp": found["estimate"],
            "stp_low": found["low"],
            "stp_high": found["high"],
            "reason": next(
                (r for r in [*rows["reason"], found["reason"]] if isinstance(r, str)), None
            ),
            **{
                f"inflation{edge}": nan if worst is None else _percent(worst[key], metric)
                for edge, key in (("", "estimate"), ("_low", "low"), ("_high", "high"))
            },
        }


def _draw(known: pd.DataFrame, metric: str, theme: Theme) -> Any:  # Any: a chart
    tall = theme.height * 1.2
    names = list(dict.fromkeys(known["name"]))
    colour = alt.Color("name:N", legend=None).scale(
        domain=names, range=[COLOURS[at % len(COLOURS)] for at in range(len(names))]
    )
    shape = alt.Shape("name:N", legend=None).scale(
        domain=names, range=[SHAPES[at % len(SHAPES)] for at in range(len(names))]
    )
    x_ends, (kind, low, high) = _ends(known, "stp"), _vertical(known)
    x = alt.X("stp:Q", title="STP (sum of normalised progress)").scale(domain=x_ends, nice=False)
    label = (
        "throughput loss" if metric == THROUGHPUT else f"{metric.replace('latency_', '')} inflation"
    )
    axis = alt.Axis(format="~f", tickCount=4)
    if kind == "log":
        axis = alt.Axis(format="~g", values=log_ticks(low, high))
    y = alt.Y("inflation:Q", title=f"worst {label} (%)", axis=axis).scale(
        type=kind, domain=[low, high], nice=False
    )
    x_low, y_low = x.copy(), y.copy()
    x_low.shorthand, y_low.shorthand = "stp_low:Q", "inflation_low:Q"
    base = alt.Chart(known)
    bar = {"strokeWidth": theme.line * 0.8, "opacity": 0.7}
    return alt.layer(
        _better(x_ends, (low, high), x, y, theme),
        base.mark_rule(**bar).encode(x_low, y, colour, x2="stp_high:Q"),
        base.mark_rule(**bar).encode(x, y_low, colour, y2="inflation_high:Q"),
        base.mark_point(
            size=(4 * theme.line + 1) ** 2, filled=True, stroke="white", strokeWidth=0.4
        ).encode(
            x,
            y,
            colour,
            shape,
            tooltip=["name:N", "stp:Q", alt.Tooltip("inflation:Q", title=label)],
        ),
        *_names(known, x, y, (x_ends, (kind, low, high)), tall, theme),
    ).properties(height=tall)


def _ends(known: pd.DataFrame, quantity: str) -> tuple[float, float]:
    values = [float(v) for c in ("", "_low", "_high") for v in known[f"{quantity}{c}"].dropna()]
    low, high = min(values), max(values)
    room = 0.1 * max(high - low, 0.2)
    return low - room, high + 2.5 * room


def _vertical(known: pd.DataFrame) -> tuple[str, float, float]:
    values = [float(v) for c in ("", "_low", "_high") for v in known[f"inflation{c}"].dropna()]
    low, high = min(values), max(values)
    if linear_or_log(values) == "log":
        return "log", low / 1.3, high * 1.3
    bottom = min(0.0, low)
    room = 0.1 * max(high - bottom, 1.0)
    return "linear", bottom - (room if bottom < 0 else 0.0), high + room


def _better(
    x_ends: tuple[float, float], y_ends: tuple[float, float], x: alt.X, y: alt.Y, theme: Theme
) -> Any:  # Any: a chart
    """A word in the corner where one wants to be."""
    frame = pd.DataFrame({"stp": [x_ends[1]], "inflation": [y_ends[0]], "text": ["better → ↓"]})
    word = alt.Chart(frame).mark_text(
        align="right", baseline="bottom", dx=-2, dy=-2, color=SOFT, fontSize=theme.label_size
    )
    return word.encode(x, y, text="text:N")


def _names(
    known: pd.DataFrame,
    x: alt.X,
    y: alt.Y,
    ends: tuple[tuple[float, float], tuple[str, float, float]],
    tall: float,
    theme: Theme,
) -> Sequence[Any]:  # Any: charts
    """The name of each point beside it, none over another."""
    _, vertical = ends
    places = [pixels(value, vertical, tall) for value in known["inflation"]]
    moved = apart(places, theme)
    return [
        alt.Chart(known.iloc[[row]])
        .mark_text(
            align="left",
            dx=theme.label_size * 0.6,
            dy=new - old - theme.label_size * 0.6,
            color=INK,
        )
        .encode(x, y, text="name:N")
        for row, (old, new) in enumerate(zip(places, moved, strict=True))
        if isfinite(new)
    ]
