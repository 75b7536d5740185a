"""Panels below each other, each with scales of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

__all__ = ["stacked"]

OWN = ("color", "fill", "shape", "size", "strokeDash")
"""Channels that Vega-Lite would share between panels, with the domain of one of them."""


def stacked(panels: Sequence[Any], spacing: float) -> Any:  # Any: charts
    """The panels, that many points apart."""
    chart = alt.vconcat(*panels, spacing=spacing)
    chart.resolve = alt.Resolve(scale=alt.ScaleResolveMap(**dict.fromkeys(OWN, "independent")))
    return chart
