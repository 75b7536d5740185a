"""From a Vega-Lite specification to a picture of an exact width: SVG, and from it PDF and PNG."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mlbench.errors import FigureError
from mlbench.figures.font import register_fonts

__all__ = ["fitted_svg", "pdf_of", "png_of"]

Json = dict[str, Any]
"""A Vega-Lite specification, or a part of one; Any: JSON."""

TOLERANCE = 0.02
"""Points; what is missing to the width goes into the margin."""

SNAPPED = 2.0
"""The same where Vega rounds the places of panels, as it does in facets."""

FIRST_SCALE = 1.00137
"""No whole number of points, so that a whole number means that Vega rounded."""

TRIES = 10
LEFT_OVER = 0.03
"""The largest share of the width that a margin may be."""

DEFAULT_WIDTH = 200.0
_SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)" viewBox="0 0 [\d.]+ [\d.]+"')
_CLIP = re.compile(r"\bclip(\d+)\b")


def fitted_svg(spec: Json, width: float) -> str:
    """The SVG of a specification, exactly ``width`` points wide.

    Vega's own ``autosize: fit`` is exact for single and layered views and does nothing for
    facets and concatenations. Here the widths of all inner views grow or shrink together
    until the whole comes out: what stands around them (labels, titles, gaps) hardly changes,
    so the secant needs two or three steps. What is left goes into the margin.

    Raises
    ------
    FigureError
        If what stands around the views leaves no room for them, or the specification is none.
    """
    spec = json.loads(json.dumps(spec))
    spec["autosize"] = {"type": "pad"}
    panel = spec.get("config", {}).get("view", {}).get("continuousWidth", DEFAULT_WIDTH)
    views = list(_views(spec, float(panel)))
    natural = [float(view["width"]) for view in views]
    row = _row(spec)
    tried: list[tuple[float, float]] = []
    best, best_width = "", 0.0
    scale = FIRST_SCALE
    for _ in range(TRIES):
        for view, own in zip(views, natural, strict=True):
            view["width"] = own * scale
        svg = _svg(spec)
        found = _width(svg)
        if best_width < found <= width:
            best, best_width = svg, found
        tolerance = SNAPPED if found.is_integer() else TOLERANCE
        if 0 <= width - found <= tolerance:
            break
        tried.append((scale, found))
        scale = _next_scale(tried, width - tolerance / 2, row)
    if not best or width - best_width > LEFT_OVER * width:
        raise FigureError(
            f"what stands around the panels leaves no room for them at {width:.0f} points: "
            "shorten the names, or give a greater width or columns=2"
        )
    return _renumbered(_widened(best, width))


def _next_scale(tried: list[tuple[float, float]], width: float, row: float | None) -> float:
    """Where the line through the last two trials has the width; between those too small and large.

    The width jumps a little where an axis drops a label, so the line alone may miss for ever.
    """
    scale, found = tried[-1]
    slope = row or 0.8 * found / scale  # where nobody knows: most of the width is panels
    if len(tried) > 1 and tried[-2][0] != scale:
        secant = (found - tried[-2][1]) / (scale - tried[-2][0])
        slope = secant if secant > 1 else slope
    proposed = max(scale / 10, scale + (width - found) / slope)
    low = max((s for s, f in tried if f <= width), default=0.0)
    high = min((s for s, f in tried if f > width), default=float("inf"))
    return proposed if low < proposed < high else (low + min(high, 2 * proposed)) / 2


def _views(part: Json, panel: float) -> Iterator[Json]:
    """The innermost views, each with a width: those that are drawn side by side or below."""
    inner = [part["spec"]] if "spec" in part else []
    for key in ("hconcat", "vconcat", "concat"):
        inner += part.get(key, [])
    if inner:
        for each in inner:
            yield from _views(each, panel)
        return
    if not isinstance(part.get("width"), int | float):
        part["width"] = panel
    for layer in part.get("layer", []):
        layer.pop("width", None)
    yield part


def _row(part: Json) -> float | None:
    """The widths of the panels that stand side by side; null where only the data says how many."""
    if "hconcat" in part:
        widths = [_row(each) for each in part["hconcat"]]
        return None if None in widths else sum(width for width in widths if width is not None)
    if "vconcat" in part:
        widths = [_row(each) for each in part["vconcat"]]
        return None if None in widths else max(width for width in widths if width is not None)
    if "spec" in part or "concat" in part:
        return None
    return float(part["width"])


def _svg(spec: Json) -> str:
    import vl_convert

    register_fonts()
    try:
        return str(vl_convert.vegalite_to_svg(spec))
    except ValueError as error:
        first = str(error).strip().splitlines()[0]
        raise FigureError(f"Vega-Lite cannot draw this figure: {first}") from None


def _width(svg: str) -> float:
    size = _SIZE.match(svg)
    assert size is not None, "Vega's SVG begins with its size"
    return float(size[1])


def _widened(svg: str, width: float) -> str:
    """The same with a page of exactly that width, and its background as wide."""
    size = _SIZE.match(svg)
    assert size is not None
    old, exact, height = size[1], f"{width:.4f}".rstrip("0").rstrip("."), size[2]
    head = size[0].replace(f'width="{old}"', f'width="{exact}"', 1)
    head = re.sub(r'viewBox="[^"]*"', f'viewBox="0 0 {exact} {height}"', head)
    rest = svg[size.end() :]
    return head + rest.replace(f'<rect width="{old}"', f'<rect width="{exact}"', 1)


def _renumbered(svg: str) -> str:
    """Clip paths numbered from 0: Vega counts on from the figure before."""
    numbers: dict[str, int] = {}
    return _CLIP.sub(lambda clip: f"clip{numbers.setdefault(clip[1], len(numbers))}", svg)


def pdf_of(svg: str, title: str) -> bytes:
    """The PDF of an SVG, a pixel to a point; the same bytes for the same SVG."""
    import vl_convert

    from mlbench.figures.pdf import normalised

    register_fonts()
    return normalised(bytes(vl_convert.svg_to_pdf(svg)), title)


def png_of(svg: str, dots_per_inch: float) -> bytes:
    """The PNG of an SVG, 72 of whose pixels are an inch."""
    import vl_convert

    register_fonts()
    return bytes(vl_convert.svg_to_png(svg, ppi=dots_per_inch))
