"""Rows of a sweep as a data frame: columns in order, of one type each."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from mlbench.sweep.intervals import bounds_of, with_intervals
from mlbench.sweep.measured import METRICS
from mlbench.sweep.table import FIRST, LAST, MEASURED

__all__ = ["framed"]

Row = dict[str, Any]
"""Cells by column; Any: plain data."""

NUMBERS = frozenset(
    {"offered_rate", "seconds", *METRICS, *(each for name in METRICS for each in bounds_of(name))}
)
WHOLE = frozenset(
    {
        *("combination", "repeat", "study_block", "needed_repeats", "queries", "errors"),
        *("error_cell", "attempts", "seed"),
    }
)
TRUTHS = frozenset({"saturated", "dirty", "left_out"})


def framed(rows: Sequence[Row], parameters: Sequence[str], recorded: Sequence[str]) -> pd.DataFrame:
    """The table.

    Parameters
    ----------
    parameters, recorded
        Their columns.
    """
    numeric = [name for name in recorded if _is_numeric([row.get(name) for row in rows])]
    bounded = [
        {**row, **row.get("judged", {})} for row in with_intervals(rows, METRICS, numeric)
    ]  # a study is judged after its intervals: they are of all its runs that count
    columns = [*FIRST, *parameters, *MEASURED]
    for name in METRICS:
        columns += [name, *bounds_of(name)]
    for name in recorded:
        columns += [name, *(bounds_of(name) if name in numeric else ())]
    kinds = {each: "float64" for name in numeric for each in bounds_of(name)}
    typed = {
        name: _series([row.get(name) for row in bounded], kinds.get(name) or _kind(name))
        for name in (*columns, *LAST)
    }
    frame: pd.DataFrame = pd.DataFrame(typed)
    return frame


def _kind(name: str) -> str:
    """The type of a column of ours; empty for one that its values decide."""
    if name in NUMBERS:
        return "float64"
    if name in WHOLE:
        return "Int64"
    if name in TRUTHS:
        return "boolean"
    return "time" if name == "began" else ""


def _series(values: list[Any], kind: str) -> pd.Series[Any]:  # Any: plain data
    if kind == "time":
        times: pd.Series[Any] = pd.to_datetime(_typed(values, "float64"), unit="s", utc=True)
        return times
    return _typed(values, kind) if kind else _decided(values)


def _decided(values: list[Any]) -> pd.Series[Any]:  # Any: plain data
    """A column of one type: whole numbers, numbers, truths or texts; JSON of anything else."""
    kinds = {type(each) for each in values if not _is_null(each)}
    if kinds == {bool}:
        return _typed(values, "boolean")
    if kinds == {int} and all(_is_null(each) or -(2**63) <= each < 2**63 for each in values):
        return _typed(values, "Int64")
    if kinds and kinds <= {int, float}:
        return _typed(values, "float64")
    if not kinds <= {str}:
        values = [None if _is_null(each) else json.dumps(each) for each in values]
    return _typed(values)


def _typed(values: list[Any], kind: str | None = None) -> pd.Series[Any]:  # Any: plain data
    column: pd.Series[Any] = pd.Series(values, dtype=kind)
    return column


def _is_numeric(values: list[Any]) -> bool:  # Any: plain data
    kinds = {type(each) for each in values if not _is_null(each)}
    return bool(kinds) and kinds <= {int, float}


def _is_null(value: Any) -> bool:  # Any: plain data
    return value is None or (isinstance(value, float) and math.isnan(value))
