"""Values that a notebook records itself, and that become columns of the sweep's results."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from mlbench.store.layout import read_json, write_json
from mlbench.sweep.layout import RECORDED
from mlbench.sweep.processes import MARKER

__all__ = ["record", "recorded"]

MAX_TEXT = 1 << 16


def record(name: str, value: object) -> None:
    """Record a value under a name, which becomes a column of the sweep's results.

    Outside of a sweep it does nothing, so that a notebook may be executed by hand. A name
    that is recorded again keeps the last value. What is not finite becomes null.

    Parameters
    ----------
    name
        Of the column.
    value
        A number (numpy's, too), text, true or false, or null.

    Raises
    ------
    TypeError
        If it is anything else: one value stands in one cell of a table.

    Examples
    --------
    >>> record("accuracy", 0.93)
    """
    plain = _plain(name, value)
    folder = os.environ.get(MARKER)
    if folder is not None:
        path = Path(folder) / RECORDED
        write_json(path, {**(read_json(path) or {}), name: plain})


def _plain(name: str, value: object) -> Any:  # Any: a JSON scalar
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:  # a scalar of numpy or torch
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise TypeError(f"record {name!r}: expected a text of at most {MAX_TEXT} characters")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    kind = type(value).__name__
    raise TypeError(
        f"record {name!r}: expected a number, a text, true, false or null, not a {kind}; "
        "record each of its values under a name of its own"
    )


def recorded(folder: Path) -> dict[str, Any]:  # Any: JSON scalars
    """What the notebook in the folder of a point has recorded."""
    found = read_json(folder / RECORDED) or {}
    return {k: v for k, v in found.items() if v is None or isinstance(v, bool | int | float | str)}
