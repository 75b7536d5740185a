"""Panels below or beside each other, each with scales of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

__all__ = ["beside", "stacked"]

OWN = ("color", "fill", "shape", "size", "strokeDash")
"""Channels that Vega-Lite would share between panels, with the domain of one of them."""


def stacked(panels: Sequence[Any], spacing: float) -> Any:  # Any: charts
    """The panels, that many points apart."""
    return _independent(alt.vconcat(*panels, spacing=spacing))


def beside(panels: Sequence[Any], spacing: float) -> Any:  # Any: charts
    """The panels from left to right."""
    return _independent(alt.hconcat(*panels, spacing=spacing))


def _independent(chart: Any) -> Any:  # Any: a chart
    chart.resolve = alt.Resolve(scale=alt.ScaleResolveMap(**dict.fromkeys(OWN, "independent")))
    return chart
