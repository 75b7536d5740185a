"""PDFs: made equal byte for byte where the picture is, and read back to see what is in them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlbench import __version__
from mlbench.errors import MissingExtraError

__all__ = ["Content", "content_of", "normalised"]

_PAIR = re.compile(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_TAG = re.compile(r"^[A-Z]{6}\+")
_BLOCK = re.compile(r"beginbfchar(.*?)endbfchar", re.S)
LOST = "\N{REPLACEMENT CHARACTER}"
"""Stands for a glyph that the font does not have: a box, or nothing, on the page."""


@dataclass(frozen=True)
class Content:
    """What the first page of a PDF holds.

    Parameters
    ----------
    width, height
        Of the page, points.
    fonts
        Names, without the tag of a subset, and whether the font is in the file.
    text
        The text that is shown, in the order of drawing, in pieces as small as a glyph; `LOST`
        for each missing one.
    """

    width: float
    height: float
    fonts: Mapping[str, bool]
    text: tuple[str, ...]


def _pikepdf() -> Any:  # Any: a module without types of its own
    try:
        import pikepdf
    except ImportError as error:
        raise MissingExtraError("saving a PDF", "figures", error) from None
    return pikepdf


def normalised(data: bytes, title: str) -> bytes:
    """The same PDF with objects in order of use, no dates, and an id made from its content."""
    pikepdf = _pikepdf()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.docinfo["/Title"] = title
        pdf.docinfo["/Creator"] = f"mlbench {__version__}"
        out = io.BytesIO()
        pdf.save(
            out,
            deterministic_id=True,
            compress_streams=True,
            recompress_flate=True,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return out.getvalue()


def content_of(data: bytes) -> Content:
    """What is on the first page of a PDF, as a reader of the file finds it."""
    pikepdf = _pikepdf()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        page = pdf.pages[0]
        _, _, width, height = (float(edge) for edge in page.mediabox)
        fonts: dict[str, bool] = {}
        text = tuple(_shown(pikepdf, page.obj, page.obj.Resources, fonts))
        return Content(width, height, fonts, text)


def _shown(pikepdf: Any, stream: Any, resources: Any, fonts: dict[str, bool]) -> Iterator[str]:
    """The text of a page or of a form on it; adds to ``fonts`` those that it names."""
    maps = {}
    for name, font in dict(resources.get("/Font") or {}).items():
        maps[name] = _unicode_of(font)
        fonts[_TAG.sub("", str(font.BaseFont).lstrip("/"))] = _is_embedded(font)
    current: Mapping[int, str] = {}
    piece: list[str] = []
    for operands, operator in pikepdf.parse_content_stream(stream):
        word = str(operator)
        if word == "Tf":
            current = maps[str(operands[0])]
        elif word in ("Tj", "TJ"):
            strings = operands if word == "Tj" else operands[0]
            piece += [_decoded(bytes(s), current) for s in strings if isinstance(s, pikepdf.String)]
        elif word == "ET" and piece:
            yield "".join(piece)
            piece = []
        elif word == "Do":
            form = resources["/XObject"][str(operands[0])]
            if form.get("/Subtype") == "/Form":
                yield from _shown(pikepdf, form, form.get("/Resources") or resources, fonts)


def _is_embedded(font: Any) -> bool:
    described = font.get("/DescendantFonts", [font])[0].get("/FontDescriptor", {})
    return any(f"/FontFile{kind}" in described for kind in ("", "2", "3"))


def _unicode_of(font: Any) -> dict[int, str]:
    """The text of each code of a font."""
    source = font.get("/ToUnicode")
    table = source.read_bytes().decode("latin-1") if source is not None else ""
    pairs = (pair for block in _BLOCK.findall(table) for pair in _PAIR.findall(block))
    return {int(code, 16): bytes.fromhex(text).decode("utf-16-be") for code, text in pairs}


def _decoded(codes: bytes, table: Mapping[int, str]) -> str:
    """Two bytes a glyph; the first glyph of every font stands for those that it lacks."""
    numbers = (int.from_bytes(codes[at : at + 2], "big") for at in range(0, len(codes), 2))
    return "".join(LOST if number == 0 else table.get(number, LOST) for number in numbers)
