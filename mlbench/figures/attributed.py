"""The energy of an attribution, as the rows that a figure draws."""

from __future__ import annotations

import pandas as pd

from mlbench.errors import FigureError
from mlbench.figures.figure import sentence

__all__ = ["OUTSIDE", "energy_of"]

OUTSIDE = ("(others)", "idle")
"""What is of no pipeline, in the order in which it is drawn."""

ENERGY = "energy_j"
PARTS = ("pipeline", "stage", "rest", "others", "idle")


def energy_of(attribution: pd.DataFrame) -> pd.DataFrame:
    """The rows of energy in what ``run.attribution()`` gives, as a figure draws them.

    Devices that are attributed by the same models are added up.

    Returns
    -------
    DataFrame
        ``pipeline``, ``stage``, ``model``, ``joules``.

    Raises
    ------
    FigureError
        If no energy was attributed, with the reason; or if its devices have different models.
    """
    rows = attribution[attribution["resource"] == ENERGY]
    parts = rows[rows["part"].isin(PARTS)]
    if not parts["value"].notna().any():
        raise FigureError(f"energy: no energy is attributed{_why(rows)}")
    known = parts[parts["value"].notna()]
    models = known.groupby("device", dropna=False)["model"].agg(
        lambda each: tuple(sorted(set(each)))
    )
    if models.nunique() > 1:
        told = sentence([str(device) for device in models.index])
        raise FigureError(
            f"energy: {told} are attributed by different models, which do not add up: give the "
            "rows of one, such as table[table.device == DEVICE]"
        )
    by = parts.groupby(["pipeline", "stage", "model"], sort=False, dropna=False)
    summed: pd.DataFrame = by["value"].sum(min_count=1).rename("joules").reset_index()
    return summed


def _why(rows: pd.DataFrame) -> str:
    reasons = [reason for reason in rows["reason"] if isinstance(reason, str)]
    return f": {reasons[0]}" if reasons else ""
