"""Panels below each other that zoom together on a screen: the wheel and a drag change their x."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import altair as alt

from mlbench.figures.stack import stacked
from mlbench.figures.venue import Theme

__all__ = ["zoomed_together"]


def zoomed_together(
    panels: Sequence[Any], keys: Sequence[Any], theme: Theme, spacing: float
) -> Any:  # Any: charts
    """Each panel below its key, with one parameter that zooms all panels; none on paper.

    Parameters
    ----------
    keys
        What stands above each panel; null for nothing.
    spacing
        Between any two of them, points.
    """
    zoom = alt.selection_interval(name="zoom", bind="scales", encodings=["x"])
    stack = []
    for panel, key in zip(panels, keys, strict=True):
        stack += [] if key is None else [key]
        stack.append(panel.add_params(zoom) if theme.on_screen else panel)
    with warnings.catch_warnings():
        # that one parameter is in several panels, which Altair warns of, is what zooms them all
        warnings.simplefilter("ignore", UserWarning)
        return stacked(stack, spacing)
