"""A pipeline's graph in points: where its boxes stand, and where its edges bend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from mlbench.figures.glyphs import text_width
from mlbench.figures.layout import Arrow, Layout, layout_of
from mlbench.figures.venue import Theme
from mlbench.spec import Pipeline

__all__ = ["Box", "Drawing", "Point", "drawing_of"]

BOX_LINES = 2.6
"""Height of a stage's box with a note in it, in sizes of the text."""

MARGIN = 1.4
"""What a box has beside its text, in sizes of the text."""

APART = 1.8
"""How far apart labels of one gap are for their width: they stand before their edges part."""

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Extent = tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """One pipeline's graph in points, along its edges and across them.

    Parameters
    ----------
    boxes
        Where each stage begins and ends along the edges, and across them.
    bends
        Where an edge passes a layer: the layer's middle, the edge's place across, and the
        layer's depth.
    down
        Whether edges lead down the page; else to the right.
    share
        How much of the width that its name needs a box has; below 1 names are cut.
    """

    layout: Layout
    boxes: Mapping[str, Box]
    bends: Mapping[Arrow, tuple[tuple[float, float, float], ...]]
    height: float
    down: bool = False
    share: float = 1.0

    def on_page(self) -> dict[str, Box]:
        """Left, right, top and bottom of each stage."""
        if not self.down:
            return dict(self.boxes)
        return {name: (*box[2:], *box[:2]) for name, box in self.boxes.items()}


def drawing_of(pipeline: Pipeline, notes: Mapping[str, str], theme: Theme) -> Drawing:
    """The places of boxes and edges of a pipeline, for a theme.

    A graph runs to the right; where its names have no room side by side, it runs down.
    """
    layout = layout_of(pipeline)
    right = _rightward(layout, notes, theme)
    if right.share >= 1:
        return right
    down = _downward(layout, notes, theme)
    return down if down.share > right.share else right


def _height(notes: Mapping[str, str], theme: Theme) -> float:
    """Of a box."""
    return theme.label_size * (BOX_LINES if notes else 1.8)


def _width(name: str, notes: Mapping[str, str], theme: Theme) -> float:
    """That the box of a stage needs."""
    size = theme.label_size
    longest = max(text_width(name, size), text_width(notes.get(name, ""), size))
    return longest + MARGIN * size


def _is_cyclic(layout: Layout) -> bool:
    return any(arrow.back for arrow in layout.arrows)


def _placed(
    layout: Layout,
    layers: Sequence[Extent],
    rows: Mapping[float, float],
    breadths: Mapping[str, float],
) -> tuple[dict[str, Box], dict[Arrow, tuple[tuple[float, float, float], ...]]]:
    """Boxes and bends.

    Parameters
    ----------
    layers
        Where each layer begins and ends.
    rows
        The middle of each row across the edges.
    breadths
        Of each box, across the edges.
    """
    boxes = {
        name: (*layers[layer], rows[row] - breadths[name] / 2, rows[row] + breadths[name] / 2)
        for name, (layer, row) in layout.places.items()
    }
    bends = {
        arrow: tuple(
            (sum(layers[layer]) / 2, rows[row], layers[layer][1] - layers[layer][0])
            for layer, row in enumerate(passed, start=layout.places[arrow.source][0] + 1)
        )
        for arrow, passed in layout.bends.items()
    }
    return boxes, bends


# -- to the right ------------------------------------------------------------------------


def _rightward(layout: Layout, notes: Mapping[str, str], theme: Theme) -> Drawing:
    size, tall = theme.label_size, _height(notes, theme)
    head = tall / 2 + size * (1.2 if _is_cyclic(layout) else 0.2)
    rows = {row: head + (row - layout.top) * (tall + size * 1.2) for row in layout.rows}
    layers, share = _layers_beside(layout, notes, theme)
    boxes, bends = _placed(layout, layers, rows, dict.fromkeys(layout.places, tall))
    lowest = max(*(box[3] for box in boxes.values()), *rows.values())
    return Drawing(layout, boxes, bends, lowest + size * 0.3, share=share)


def _layers_beside(
    layout: Layout, notes: Mapping[str, str], theme: Theme
) -> tuple[list[Extent], float]:
    """Where each layer begins and ends, and how much of the width that it needs it has.

    A gap has room for the labels on it; what is left of the width is divided between the
    gaps, and where it is too little, boxes are narrower and their names cut.
    """
    size = theme.label_size
    widths, gaps = [2.0 * size] * layout.layers, [2.6 * size] * (layout.layers - 1)
    for name, (layer, _) in layout.places.items():
        widths[layer] = max(widths[layer], _width(name, notes, theme))
    for arrow in layout.arrows:
        layer = layout.places[arrow.source][0]
        if not arrow.back and layer < len(gaps):
            gaps[layer] = max(gaps[layer], text_width(arrow.label, size) + 1.6 * size)
    room = theme.width * 0.98 - sum(gaps)
    share = min(1.0, max(0.2, room / sum(widths)))
    each = min(max(0.0, room - sum(widths)) / max(1, len(gaps)), 6 * size)
    found, at = [], size * 0.2
    for width, gap in zip(widths, [*gaps, 0.0], strict=True):
        found.append((at, at + width * share))
        at += width * share + gap + each
    return found, share


# -- down the page -----------------------------------------------------------------------


def _downward(layout: Layout, notes: Mapping[str, str], theme: Theme) -> Drawing:
    size, tall = theme.label_size, _height(notes, theme)
    gaps = [1.8 * size] * (layout.layers - 1)
    for arrow in layout.arrows:
        layer = layout.places[arrow.source][0]
        if arrow.label and not arrow.back and layer < len(gaps):
            gaps[layer] = 3.4 * size
    tops = accumulate((tall + gap for gap in gaps), initial=size * 0.2)
    layers = [(top, top + tall) for top in tops]
    widths = {name: _width(name, notes, theme) for name in layout.places}
    rows, share = _rows_beside(layout, widths, theme)
    boxes, bends = _placed(layout, layers, rows, {n: w * share for n, w in widths.items()})
    return Drawing(layout, boxes, bends, layers[-1][1] + size * 0.3, down=True, share=share)


def _rows_beside(
    layout: Layout, widths: Mapping[str, float], theme: Theme
) -> tuple[dict[float, float], float]:
    """The middle of each row, and how much of the width that the rows need they have."""
    size, room = theme.label_size, theme.width * 0.98
    labels = (text_width(arrow.label, size) for arrow in layout.arrows if not arrow.back)
    pitch = least = _least_pitch(layout, widths, size)
    if (apart := APART * max(labels, default=0.0)) > least:
        low, high = _extent(layout, widths, apart, size)
        pitch = apart if high - low <= room else least
    low, high = _extent(layout, widths, pitch, size)
    share = min(1.0, room / (high - low))
    return {row: size * 0.2 + (row * pitch - low) * share for row in layout.rows}, share


def _least_pitch(layout: Layout, widths: Mapping[str, float], size: float) -> float:
    """From row to row, so that no two boxes of a layer touch, nor an edge that passes them."""
    layers: dict[int, list[tuple[float, float]]] = {}
    for name, (layer, row) in layout.places.items():
        layers.setdefault(layer, []).append((row, widths[name]))
    for arrow, passed in layout.bends.items():
        for layer, row in enumerate(passed, start=layout.places[arrow.source][0] + 1):
            layers.setdefault(layer, []).append((row, 0.0))
    pairs = (pair for each in layers.values() for pair in pairwise(sorted(each)))
    return max((one[1] + other[1] for one, other in pairs), default=0.0) / 2 + 0.8 * size


def _extent(layout: Layout, widths: Mapping[str, float], pitch: float, size: float) -> Extent:
    """Where rows of that pitch begin and end, with boxes, and edges that lead back beside them."""
    edges = [row * pitch for row in layout.rows]
    lefts = {name: row * pitch - widths[name] / 2 for name, (_, row) in layout.places.items()}
    rights = [lefts[name] + widths[name] for name in lefts]
    beside = [
        min(lefts[arrow.source], lefts[arrow.target]) - 1.4 * size - text_width(arrow.label, size)
        for arrow in layout.arrows
        if arrow.back
    ]
    return min(*edges, *lefts.values(), *beside), max(*edges, *rights)
