"""Energy: what each pipeline used, by every model that splits the measured total."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.attributed import OUTSIDE, energy_of
from mlbench.figures.figure import About, Chart, figure, sentence
from mlbench.figures.keys import Entry, key
from mlbench.figures.palette import NEUTRAL, SHAPES, looks
from mlbench.figures.stack import stacked
from mlbench.figures.table import check_table, column_of
from mlbench.figures.units import Unit, short, si_unit
from mlbench.figures.validity import invalid
from mlbench.figures.venue import INK, SOFT, Theme
from mlbench.run import Run

__all__ = ["energy"]

STAND_IN = "stand-in"
"""What a driver that is none calls itself (`mlbench.probes`): its numbers say so."""

LABEL = r"indexof(datum.label, '\n') < 0 ? datum.label : '– ' + split(datum.label, '\n')[1]"


def energy(
    source: Any,  # Any: a run, or a table
    *,
    unit: str = "J",
    venue: str | float | Theme = "screen",
    columns: int = 1,
) -> Chart:
    """The energy of each pipeline and stage: a dot for each model, a line for their spread.

    A split of measured energy between pipelines that share a device is a model, so all are
    drawn: the length of the line is how much the models disagree. Idle energy is a row of its
    own.

    Parameters
    ----------
    source
        A run; or what its ``attribution()`` gives, of which one may choose rows; or a table
        with the columns ``pipeline`` (``idle`` for what nobody used), ``stage`` (null for the
        whole of a pipeline), ``model`` and ``joules``.
    unit
        ``J``, or what the column ``joules`` is of, such as ``J/query``.
    venue, columns
        As `mlbench.figures.theme` has them.

    Raises
    ------
    FigureError
        If there is no such table, or no number in it; or if it has the energy of several
        devices, which are attributed by different models.
    """
    names: list[str] = []
    runs: tuple[str, ...] = ()
    told = invalid(source)
    if isinstance(source, Run):
        names, runs, source = list(source.bench.pipelines), (source.id,), source.attribution()
    simulated = STAND_IN in getattr(source, "attrs", {}).get("sources", ())
    table, names = _table(source, names)
    known = table[table["joules"].notna()]
    if not len(known):
        raise FigureError("energy: no row of the table has a number of joules")
    models = list(dict.fromkeys(known["model"]))
    null = len(table) - len(known)
    missing = f" {null} rows have no value." if null else ""
    spread = "One model: no spread." if len(models) == 1 else "Line: the spread of the models."
    caption = (
        f"Energy of each pipeline and stage as attributed by {len(models)} "
        f"model{'s' * (len(models) != 1)} ({sentence(models)}). {spread} Idle is a row of its "
        f"own.{missing}{' Source: stand-in, not a measurement.' if simulated else ''}"
    )
    about = About("energy", "Energy", caption, runs, invalid=told)
    return figure(lambda theme: _draw(known, names, models, unit, theme), about, venue, columns)


def _table(source: Any, names: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The rows, and all pipelines in their order."""
    table = check_table(source, "energy")
    if "resource" in table.columns:
        table = energy_of(table)
    stages = table["stage"] if "stage" in table.columns else [""] * len(table)
    frame = pd.DataFrame(
        {
            "pipeline": column_of(table, "pipeline", "energy").astype(str),
            "stage": [str(stage) if isinstance(stage, str) else "" for stage in stages],
            "model": column_of(table, "model", "energy").astype(str),
            "joules": pd.to_numeric(column_of(table, "joules", "energy"), errors="coerce"),
        }
    )
    listed = names or [n for n in dict.fromkeys(frame["pipeline"]) if n not in OUTSIDE]
    return frame, listed


def _draw(
    known: pd.DataFrame, names: list[str], models: list[str], unit: str, theme: Theme
) -> Any:  # Any: a chart
    scaled = si_unit(known["joules"], unit)
    rows = _rows(known, names, scaled)
    order = list(dict.fromkeys(rows["row"]))
    step = theme.label_size * 1.6
    most = float(rows["value"].max())
    x = alt.X("value:Q", title=scaled.title("energy"), axis=alt.Axis(grid=True)).scale(
        domain=[0, max(most * 1.14, 1e-12)], nice=False
    )
    y = alt.Y("row:N", sort=order, title=None, axis=_labels(theme))
    colour = alt.Color("colour:N", scale=None, legend=None)
    spread = rows.groupby(["row", "colour"], sort=False)["value"].agg(["min", "max"]).reset_index()
    spread["text"] = [_range(a, b) for a, b in zip(spread["min"], spread["max"], strict=True)]
    low = x.copy()
    low.shorthand = "min:Q"
    high = x.copy()
    high.shorthand = "max:Q"
    shape = alt.Shape("model:N", legend=None).scale(
        domain=models, range=[SHAPES[at % len(SHAPES)] for at in range(len(models))]
    )
    plot = alt.layer(
        alt.Chart(spread).mark_rule(strokeWidth=theme.line).encode(low, y, colour, x2="max:Q"),
        alt.Chart(rows)
        .mark_point(size=(3.8 * theme.line + 1) ** 2, filled=True, stroke="white", strokeWidth=0.4)
        .encode(x, y, colour, shape, tooltip=["row:N", "model:N", "value:Q"]),
        alt.Chart(spread)
        .mark_text(align="left", dx=theme.label_size * 0.7, color=INK)
        .encode(high, y, text="text:N"),
    ).properties(height=len(order) * step)
    if len(models) == 1:
        return plot
    entries = [Entry(m, SOFT, shape=SHAPES[at % len(SHAPES)]) for at, m in enumerate(models)]
    return stacked([key(entries, theme), plot], 2)


def _rows(known: pd.DataFrame, names: list[str], unit: Unit) -> pd.DataFrame:
    """One row a dot, in the order of the picture: each pipeline, then its stages, idle last."""
    colours = {name: look.colour for name, look in looks(names).items()}
    parts = []
    for name in [*names, *OUTSIDE]:
        mine = known[known["pipeline"] == name]
        for stage in sorted(set(mine["stage"]), key=lambda stage: (stage != "", 0)):
            row = mine[mine["stage"] == stage]
            label = name if not stage else f"{name}\n{stage}"
            parts.append(row.assign(row=label, colour=colours.get(name, NEUTRAL)))
    found: pd.DataFrame = pd.concat(parts)
    found["value"] = found["joules"] / unit.size
    return found


def _labels(theme: Theme) -> alt.Axis:
    """A stage is labelled with its own name alone: its pipeline stands above it."""
    return alt.Axis(
        labelExpr=LABEL,
        labelLimit=theme.width * 0.36,
        grid=False,
    )


def _range(low: float, high: float) -> str:
    return short(low) if short(low) == short(high) else f"{short(low)}–{short(high)}"
