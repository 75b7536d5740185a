"""How wide the glyphs of the bundled font are, read from its file (OpenType: cmap, hmtx)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cache

from mlbench.figures.font import FILES

__all__ = ["advances", "cut", "text_width"]

UNKNOWN = 1.0
"""Ems, for a sign that the font does not have: another font will draw it."""

MISSING_OFFSET = 0xFFFF


def text_width(text: str, size: float, weight: int = 400) -> float:
    """The width of a text in the bundled font, in points.

    Examples
    --------
    >>> 22 < text_width("latency", 8) < 25
    True
    """
    table = advances(weight)
    return size * sum(table.get(sign, UNKNOWN) for sign in text)


def cut(text: str, width: float, size: float) -> str:
    """The text, cut with an ellipsis where it is wider than that.

    Examples
    --------
    >>> cut("latency", 100, 8), cut("latency", 20, 8)
    ('latency', 'lat…')
    """
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip(" ,:;") + "…"


@cache
def advances(weight: int = 400) -> Mapping[str, float]:
    """The advance width of every sign that the bundled font has, in ems."""
    data = FILES[weight].read_bytes()
    tables = _tables(data)
    (per_em,) = struct.unpack_from(">H", data, tables["head"] + 18)
    (count,) = struct.unpack_from(">H", data, tables["hhea"] + 34)
    widths = struct.unpack_from(">" + "Hh" * count, data, tables["hmtx"])[::2]
    return {
        chr(code): widths[min(glyph, count - 1)] / per_em
        for code, glyph in _glyphs(data, tables["cmap"])
        if glyph
    }


def _tables(data: bytes) -> dict[str, int]:
    """The offset of each table of the font."""
    (count,) = struct.unpack_from(">H", data, 4)
    entries = (struct.unpack_from(">4sIII", data, 12 + 16 * number) for number in range(count))
    return {tag.decode(): offset for tag, _, offset, _ in entries}


def _glyphs(data: bytes, cmap: int) -> Iterator[tuple[int, int]]:
    """Code points and their glyphs, from the subtable for the basic plane (format 4)."""
    (count,) = struct.unpack_from(">H", data, cmap + 2)
    subtables = (struct.unpack_from(">HHI", data, cmap + 4 + 8 * number) for number in range(count))
    start = next(
        cmap + offset for platform, plane, offset in subtables if (platform, plane) == (3, 1)
    )
    segments = struct.unpack_from(">H", data, start + 6)[0] // 2
    at = start + 14
    ends = struct.unpack_from(f">{segments}H", data, at)
    starts = struct.unpack_from(f">{segments}H", data, at + 2 * segments + 2)
    deltas = struct.unpack_from(f">{segments}h", data, at + 4 * segments + 2)
    offsets_at = at + 6 * segments + 2
    offsets = struct.unpack_from(f">{segments}H", data, offsets_at)
    for number, (first, last) in enumerate(zip(starts, ends, strict=True)):
        for code in range(first, min(last, MISSING_OFFSET - 1) + 1):
            glyph = code
            if offsets[number]:
                place = offsets_at + 2 * number + offsets[number] + 2 * (code - first)
                (glyph,) = struct.unpack_from(">H", data, place)
            yield code, (glyph + deltas[number]) & 0xFFFF if glyph else 0
