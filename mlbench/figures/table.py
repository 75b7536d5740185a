"""Tidy tables that users hand over: a quantity in one of the forms in which they have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from mlbench.errors import FigureError, nearest

__all__ = ["check_table", "column_of", "columns_of", "is_left_out", "long_form"]

LEFT_OUT: Mapping[str, tuple[object, ...]] = {
    "verdict": ("INVALID",),
    "status": ("contaminated",),
    "left_out": (True,),
}
"""What says of a row of a sweep that it does not count, by column."""


def check_table(thing: object, what: str) -> pd.DataFrame:
    """The table, if it is one with rows.

    Raises
    ------
    FigureError
        If it is none, or empty.
    """
    if not isinstance(thing, pd.DataFrame):
        raise FigureError(f"{what} needs a pandas DataFrame, got {type(thing).__name__}")
    if not len(thing):
        raise FigureError(f"{what}: the table has no rows")
    return thing


def column_of(table: pd.DataFrame, name: str, what: str) -> pd.Series:
    """A column, by its name or by the last part of a dotted one.

    Raises
    ------
    FigureError
        If there is none, or more than one; the message names the nearest, or all.
    """
    known = [str(column) for column in table.columns]
    ends = [name] if name in known else [each for each in known if each.endswith(f".{name}")]
    if not ends:
        raise FigureError(f"{what}: the table has no column {name!r} ({nearest(name, known)})")
    if len(ends) > 1:
        raise FigureError(f"{what}: several columns end in {name!r}: {', '.join(ends)}")
    found: pd.Series = table[ends[0]]
    return found


def is_left_out(table: pd.DataFrame) -> pd.Series:
    """Which rows do not count: INVALID ones, and those of a point that is contaminated.

    Examples
    --------
    >>> is_left_out(pd.DataFrame({"verdict": ["VALID", "INVALID", None]})).tolist()
    [False, True, False]
    """
    found = pd.Series(False, index=table.index)
    for column, words in LEFT_OUT.items():
        if column in table.columns:
            found = found | table[column].isin(words)
    rows: pd.Series = found.astype(bool)
    return rows


def columns_of(
    table: pd.DataFrame, quantity: str, what: str
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Estimate, low and high of a quantity, as numbers; bounds are null where there are none.

    Examples
    --------
    >>> table = pd.DataFrame({"p99": [1.0], "p99_low": [0.5], "p99_high": [2.0]})
    >>> [float(column.iloc[0]) for column in columns_of(table, "p99", "sweep")]
    [1.0, 0.5, 2.0]
    """
    estimate = _first(table, (quantity, f"{quantity}.estimate", f"{quantity}_estimate"))
    if estimate is None:
        estimate = column_of(table, quantity, what)
    bounds = [_first(table, (f"{quantity}_{end}", f"{quantity}.{end}")) for end in ("low", "high")]
    low, high = (
        pd.Series(float("nan"), index=table.index) if bound is None else _numbers(bound, what)
        for bound in bounds
    )
    return _numbers(estimate, what), low, high


def _first(table: pd.DataFrame, names: Iterable[str]) -> pd.Series | None:
    return next((table[name] for name in names if name in table.columns), None)


def _numbers(column: pd.Series, what: str) -> pd.Series:
    try:
        numbers: pd.Series = pd.to_numeric(column).astype(float)
    except (TypeError, ValueError):
        raise FigureError(
            f"{what}: the column {column.name!r} has values that are no numbers"
        ) from None
    return numbers


def long_form(table: pd.DataFrame, quantity: str, what: str) -> pd.DataFrame:
    """The rows of one quantity with the columns ``estimate``, ``low`` and ``high``.

    Either the table is long (a column ``metric`` names the quantity of each row), or the
    quantity is a column, with its bounds beside it.
    """
    if quantity not in table.columns and {"metric", "estimate"} <= set(table.columns):
        known = [str(name) for name in table["metric"].unique()]
        if quantity not in known:
            raise FigureError(
                f"{what}: there is no metric {quantity!r} ({nearest(quantity, known)})"
            )
        rows: pd.DataFrame = table[table["metric"] == quantity].copy()
        estimate, low, high = rows["estimate"], rows.get("low"), rows.get("high")
        none = pd.Series(float("nan"), index=rows.index)
        bounds = (none if bound is None else _numbers(bound, what) for bound in (low, high))
        rows["estimate"], (rows["low"], rows["high"]) = _numbers(estimate, what), bounds
        return rows
    wide: pd.DataFrame = table.copy()
    wide["estimate"], wide["low"], wide["high"] = columns_of(table, quantity, what)
    return wide
