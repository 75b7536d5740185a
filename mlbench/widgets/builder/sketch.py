"""A sketch of a benchmark's graphs as SVG: what stands in a saved notebook, drawn at once.

`mlbench.figures.graph` is the figure for a paper; it takes seconds to load.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mlbench.figures.layout import Arrow, layout_of
from mlbench.spec import Benchmark, Pipeline

__all__ = ["sketch"]

BOX_WIDTH, BOX_HEIGHT = 148, 40
GAP_X, GAP_Y = 56, 22
MARGIN, TITLE = 12, 26
FONT = "font-family='system-ui,sans-serif'"
INK, SOFT, LINE = "#1f2933", "#5f6b7a", "#9aa5b1"

Place = tuple[float, float]


def sketch(bench: Benchmark) -> str:
    """The pipelines below each other, one element ``svg``; every name is text.

    Examples
    --------
    >>> sketch(Benchmark(name="nothing"))
    ''
    """
    parts: list[str] = []
    top, width = 0.0, 0.0
    for name, pipeline in bench.pipelines.items():
        if not pipeline.stages:
            continue
        places, size = _places(pipeline, top)
        title = f"{name} · {pipeline.load.name}"
        parts.append(_text(MARGIN, top + 18, title, INK, 13, "600"))
        parts += _arrows(pipeline, places)
        parts += _boxes(pipeline, places)
        top, width = top + size[1], max(width, size[0])
    if not parts:
        return ""
    extent = f"width='{width:.0f}' height='{top:.0f}' viewBox='0 0 {width:.0f} {top:.0f}'"
    label = escape(f"The pipelines of {bench.name}")
    head = f"<svg xmlns='http://www.w3.org/2000/svg' {extent} role='img' aria-label='{label}'>"
    return "".join([head, *parts, "</svg>"])


def _places(pipeline: Pipeline, top: float) -> tuple[dict[str, Place], Place]:
    """The upper left corner of each box, and the size of it all."""
    layout = layout_of(pipeline)
    corners: dict[str, Place] = {
        name: (
            MARGIN + layer * (BOX_WIDTH + GAP_X),
            top + TITLE + MARGIN + (row - layout.top) * (BOX_HEIGHT + GAP_Y),
        )
        for name, (layer, row) in layout.places.items()
    }
    lowest = max(y for _, y in corners.values()) + BOX_HEIGHT
    width = 2.0 * MARGIN + layout.layers * (BOX_WIDTH + GAP_X) - GAP_X
    return corners, (width, lowest - top + GAP_Y + MARGIN)


def _boxes(pipeline: Pipeline, places: dict[str, Place]) -> Iterator[str]:
    for name, (x, y) in places.items():
        yield (
            f"<rect x='{x:.1f}' y='{y:.1f}' width='{BOX_WIDTH}' height='{BOX_HEIGHT}' rx='6' "
            f"fill='#fff' stroke='{LINE}'/>"
        )
        yield _text(x + 10, y + 17, _short(name), INK, 12, "600")
        yield _text(x + 10, y + 32, _short(str(pipeline.stages[name].uses)), SOFT, 11, "400")


def _arrows(pipeline: Pipeline, places: dict[str, Place]) -> Iterator[str]:
    for arrow in layout_of(pipeline).arrows:
        if arrow.source in places and arrow.target in places:
            yield from _arrow(arrow, places)


def _arrow(arrow: Arrow, places: dict[str, Place]) -> Iterator[str]:
    """A curve from the right side of one box to the left of another; a cycle's is dashed."""
    (x, y), (to_x, to_y) = places[arrow.source], places[arrow.target]
    begin, end = (x + BOX_WIDTH, y + BOX_HEIGHT / 2), (to_x, to_y + BOX_HEIGHT / 2)
    bend = GAP_X / 2
    if arrow.back:
        begin, end = (x + BOX_WIDTH / 2, y), (to_x + BOX_WIDTH / 2, to_y)
        control = f"{begin[0]:.1f},{begin[1] - bend:.1f} {end[0]:.1f},{end[1] - bend:.1f}"
    else:
        control = f"{begin[0] + bend:.1f},{begin[1]:.1f} {end[0] - bend:.1f},{end[1]:.1f}"
    dash = " stroke-dasharray='4 3'" if arrow.back else ""
    yield (
        f"<path d='M{begin[0]:.1f},{begin[1]:.1f} C{control} {end[0]:.1f},{end[1]:.1f}' "
        f"fill='none' stroke='{SOFT}'{dash}/>"
    )
    yield f"<circle cx='{end[0]:.1f}' cy='{end[1]:.1f}' r='3' fill='{SOFT}'/>"
    if arrow.label:
        yield _text(end[0] - 7, end[1] - 5, _short(arrow.label, 12), SOFT, 10, "400", "end")


def _text(
    x: float, y: float, text: str, colour: str, size: int, weight: str, anchor: str = "start"
) -> str:
    style = f"font-size='{size}' font-weight='{weight}' fill='{colour}' {FONT}"
    style += f" text-anchor='{anchor}'"
    return f"<text x='{x:.1f}' y='{y:.1f}' {style}>{escape(text)}</text>"


def _short(text: str, length: int = 20) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
