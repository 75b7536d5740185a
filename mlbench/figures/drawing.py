"""A pipeline's graph in points: where its boxes stand, and where its edges bend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlbench.figures.glyphs import text_width
from mlbench.figures.layout import Arrow, Layout, layout_of
from mlbench.figures.venue import Theme
from mlbench.spec import Pipeline

__all__ = ["Drawing", "Point", "drawing_of"]

BOX_LINES = 2.6
"""Height of a stage's box with a note in it, in sizes of the text."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """One pipeline's graph in points.

    Parameters
    ----------
    boxes
        Left, right, top and bottom of each stage.
    bends
        Where an edge passes a layer: middle, height and width of the layer.
    """

    layout: Layout
    boxes: Mapping[str, tuple[float, float, float, float]]
    bends: Mapping[Arrow, tuple[tuple[float, float, float], ...]]
    height: float


def drawing_of(pipeline: Pipeline, notes: Mapping[str, str], theme: Theme) -> Drawing:
    """The places of boxes and edges of a pipeline, for a theme."""
    layout, size = layout_of(pipeline), theme.label_size
    tall = size * (BOX_LINES if notes else 1.8)
    pitch = tall + size * 1.2
    head = size * (1.2 if any(arrow.back for arrow in layout.arrows) else 0.2)
    widths, centres = _across(layout, notes, theme)

    def middle(row: float) -> float:
        return (row - layout.top) * pitch + tall / 2 + head

    boxes = {}
    for name, (layer, row) in layout.places.items():
        half, y = widths[layer] / 2, middle(row)
        boxes[name] = centres[layer] - half, centres[layer] + half, y - tall / 2, y + tall / 2
    bends = {
        arrow: tuple(
            (centres[layer], middle(row), widths[layer])
            for layer, row in enumerate(rows, start=layout.places[arrow.source][0] + 1)
        )
        for arrow, rows in layout.bends.items()
    }
    lowest = [box[3] for box in boxes.values()] + [y for bend in bends.values() for _, y, _ in bend]
    return Drawing(layout, boxes, bends, max(lowest) + size * 0.3)


def _across(
    layout: Layout, notes: Mapping[str, str], theme: Theme
) -> tuple[list[float], list[float]]:
    """The width of the boxes of each layer, and where their middles are.

    A gap has room for the labels on it; what is left of the width is divided between the
    gaps, and where it is too little, boxes are narrower and their names cut.
    """
    size = theme.label_size
    widths, gaps = [2.0 * size] * layout.layers, [2.6 * size] * (layout.layers - 1)
    for name, (layer, _) in layout.places.items():
        longest = max(text_width(name, size), text_width(notes.get(name, ""), size))
        widths[layer] = max(widths[layer], longest + 1.4 * size)
    for arrow in layout.arrows:
        layer = layout.places[arrow.source][0]
        if not arrow.back and layer < len(gaps):
            gaps[layer] = max(gaps[layer], text_width(arrow.label, size) + 1.6 * size)
    room = theme.width * 0.98
    left = room - sum(widths) - sum(gaps)
    if left < 0:
        scale = max(0.2, (room - sum(gaps)) / sum(widths))
        widths = [width * scale for width in widths]
        left = 0.0
    each = min(left / max(1, len(gaps)), 6 * size)
    centres, at = [], size * 0.2
    for width, gap in zip(widths, [*gaps, 0.0], strict=True):
        centres.append(at + width / 2)
        at += width + gap + each
    return widths, centres
