"""Load: tail latency over the offered rate, with the objective."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.charts.curves import GROWING, arrows, curves, value_scale
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.palette import Look, looks
from mlbench.figures.table import check_table, column_of, is_left_out, long_form
from mlbench.figures.validity import invalid, relaxed
from mlbench.figures.venue import Theme

__all__ = ["load"]


def load(
    source: Any,  # Any: runs, or a table
    *,
    quantile: str = "p99",
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """A quantile of latency over the rate that was offered, a line for each pipeline.

    A dashed line across is the objective. Where the backlog of a pipeline grew stands an arrow
    at the upper edge in place of a point, because its latency depends on how long one looked.

    Parameters
    ----------
    source
        Runs at different rates, or a table with the columns
        ``pipeline``, ``offered_rate`` (queries/s), the quantile in ms (with ``_low`` and
        ``_high`` where there are bounds), and ``slo_ms`` and ``saturated`` where there are.
    quantile
        ``p50``, ``p90``, ``p95`` or ``p99``.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If no point has that quantile, or runs have one rate only.
    """
    source, told = _counted(source)
    table, runs, names, spec = _read(source, quantile)
    if not len(table):
        raise FigureError(f"load: {_nothing(table, quantile)}")
    open_rows = table[table["offered_rate"].notna()]
    if runs and open_rows.groupby("pipeline")["offered_rate"].nunique().max() < 2:
        raise FigureError(
            "load: no pipeline has two points, each ran at one offered rate: give runs at several "
            "rates, or the table of a sweep"
        )
    steady = open_rows[~open_rows["saturated"]]
    known = steady[steady["estimate"].notna()].sort_values("offered_rate", kind="stable")
    if not len(known):
        raise FigureError(f"load: {_nothing(table, quantile)}")
    beyond = open_rows[open_rows["saturated"]]
    saturated = f" {GROWING}: {len(beyond)} saturated points, which have no steady latency."
    null = len(steady) - len(known)
    missing = f" {null} points have too few queries for {quantile}." if null else ""
    caption = (
        f"{quantile} of latency from the intended arrival over the offered rate; "
        f"{len(known)} points of {sentence(sorted(set(known['pipeline'])))}. "
        f"Dashed: the objective.{saturated if len(beyond) else ''}{missing}{told}"
    )
    found = (told.strip(),) if told else ()
    limits = relaxed(source)
    about = About("load", "Latency over load", caption, runs, spec, invalid(source), found, limits)
    return figure(
        lambda theme: _draw(known, beyond, looks(names), quantile, theme), about, venue, columns
    )


def _counted(source: Any) -> tuple[Any, str]:  # Any: runs, or a table
    """A table without the rows that do not count, and what the caption says of them."""
    if not isinstance(source, pd.DataFrame):
        return source, ""
    left_out = is_left_out(source)
    count = int(left_out.sum())
    return source[~left_out], f" {count} INVALID rows are left out." if count else ""


def _nothing(table: pd.DataFrame, quantile: str) -> str:
    """Why there is no point."""
    if not table["offered_rate"].notna().any():
        return "no pipeline has an open load, so none has an offered rate"
    if table["saturated"].any():
        return "all pipelines with an open load were saturated: they have no steady latency"
    reasons = [reason for reason in table["reason"] if isinstance(reason, str)]
    told = f" ({reasons[0]})" if reasons else ""
    return f"no pipeline has a {quantile}{told}: give another quantile, such as quantile='p90'"


def _read(source: Any, quantile: str) -> tuple[pd.DataFrame, tuple[str, ...], list[str], str]:
    """Points, ids of the runs, all pipelines, and the hash of the spec."""
    from mlbench.run import Run

    if isinstance(source, pd.DataFrame):
        table = _of_table(check_table(source, "load"), quantile)
        return table, (), list(dict.fromkeys(table["pipeline"])), ""
    runs = [source] if isinstance(source, Run) else source
    several = isinstance(runs, list | tuple) and bool(runs)
    if not several or not all(isinstance(run, Run) for run in runs):
        raise FigureError(f"load needs a run, several runs or a table, got {type(source).__name__}")
    rows = [row for run in runs for row in _rows(run, quantile)]
    names = list(dict.fromkeys(name for run in runs for name in run.bench.pipelines))
    hashes = {run.request.spec_hash for run in runs}
    spec = hashes.pop() if len(hashes) == 1 else ""
    return pd.DataFrame(rows, columns=COLUMNS), tuple(run.id for run in runs), names, spec


COLUMNS = ["pipeline", "offered_rate", "estimate", "low", "high", "slo_ms", "saturated", "reason"]


def _of_table(source: pd.DataFrame, quantile: str) -> pd.DataFrame:
    rows = long_form(source, quantile, "load")
    none = pd.Series([None] * len(rows), index=rows.index)
    saturated = rows["saturated"].fillna(False).astype(bool) if "saturated" in rows else False
    points: pd.DataFrame = pd.DataFrame(
        {
            "pipeline": column_of(rows, "pipeline", "load").astype(str),
            "offered_rate": column_of(rows, "offered_rate", "load").astype(float),
            **{name: rows[name] for name in ("estimate", "low", "high")},
            "slo_ms": rows.get("slo_ms", none),
            "saturated": saturated,
            "reason": rows.get("reason", none),
        }
    )
    return points


def _rows(run: Any, quantile: str) -> Iterator[dict[str, Any]]:  # Any: a run, a row
    summary = run.summary()
    for name, found in summary["pipelines"].items():
        if quantile not in found["latency_ms"]:
            known = ", ".join(key for key in found["latency_ms"] if key != "mean")
            raise FigureError(f"load: there is no quantile {quantile!r} (known: {known})")
        closed = run.manifest["pipelines"][name]["load"]["kind"] == "closed"
        yield {
            "pipeline": name,
            "offered_rate": None if closed else found["offered_rate"],
            "estimate": found["latency_ms"][quantile],
            "slo_ms": (found["slo"] or {}).get("latency_ms"),
            "saturated": bool(found["saturated"]),
            "reason": found["null_reasons"].get(f"latency_ms.{quantile}"),
        }


def _draw(
    known: pd.DataFrame,
    beyond: pd.DataFrame,
    every: dict[str, Look],
    quantile: str,
    theme: Theme,
) -> Any:  # Any: a chart
    names = {*known["pipeline"], *beyond["pipeline"]}
    mine = {name: look for name, look in every.items() if name in names}
    columns = {"pipeline": "name", "offered_rate": "x"}
    table = known.rename(columns=columns).astype({"estimate": float, "low": float, "high": float})
    saturated = beyond.rename(columns=columns)[["name", "x"]]
    objectives = _objectives(known)
    bounds = pd.concat([table, objectives], ignore_index=True)
    most = float(pd.concat([table["x"], saturated["x"]]).max())
    x = alt.X("x:Q", title="offered rate (queries/s)").scale(domain=[0, most * 1.02], nice=False)
    return curves(
        table,
        mine,
        x,
        f"latency {quantile} (ms)",
        theme,
        scale=value_scale(bounds),
        extra=[*_lines(objectives, mine, theme), *arrows(saturated, mine, x, alt.YValue(0))],
    )


def _objectives(known: pd.DataFrame) -> pd.DataFrame:
    """The objective of each pipeline that has one: ``name``, ``estimate`` in ms."""
    told = known[known["slo_ms"].notna()].drop_duplicates("pipeline")
    none = float("nan")
    lines: pd.DataFrame = pd.DataFrame(
        {
            "name": told["pipeline"],
            "estimate": told["slo_ms"].astype(float),
            "low": none,
            "high": none,
        }
    )
    return lines


def _lines(objectives: pd.DataFrame, mine: dict[str, Look], theme: Theme) -> list[Any]:
    """A line across for each objective, with its name at the left. Any: charts."""
    if not len(objectives):
        return []
    frame = objectives.assign(
        colour=[mine[name].colour for name in objectives["name"]],
        text=[
            f"SLO {name} {limit:g} ms"
            for name, limit in zip(objectives["name"], objectives["estimate"], strict=True)
        ],
    )
    y, colour = alt.Y("estimate:Q"), alt.Color("colour:N", scale=None)
    base = alt.Chart(frame)
    rule = base.mark_rule(strokeWidth=theme.hairline * 1.6, strokeDash=[5, 3]).encode(y, colour)
    word = base.mark_text(align="left", baseline="bottom", dx=2, dy=-1.5).encode(
        y, colour, x=alt.value(0), text="text:N"
    )
    return [rule, word]
