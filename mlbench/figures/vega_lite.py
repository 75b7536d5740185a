"""A chart as Vega-Lite that any reader of JSON takes: nothing in it is infinite or no number."""

from __future__ import annotations

from math import isfinite
from typing import Any

__all__ = ["vega_lite"]


def vega_lite(chart: Any) -> dict[str, Any]:  # Any: a chart, JSON
    """The specification of a chart, with all of its rows; null where a number is not finite.

    Python writes ``NaN``, which is no JSON: a browser refuses the whole document.
    """
    import altair as alt

    with alt.data_transformers.enable("default", max_rows=None):
        spec: dict[str, Any] = chart.to_dict(validate=False)
    return {key: _finite(value) for key, value in spec.items()}


def _finite(value: Any) -> Any:  # Any: JSON
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return value
