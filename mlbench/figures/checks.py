"""Preflight: what a venue's own check, a printer or a reader would find wrong with a figure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import combinations
from typing import Literal

from mlbench.figures.colour import lightness
from mlbench.figures.font import FAMILY
from mlbench.figures.glyphs import advances
from mlbench.figures.pdf import LOST, Content, content_of
from mlbench.figures.venue import Theme

__all__ = ["LIMITS", "Finding", "Limits", "findings_of"]


@dataclass(frozen=True)
class Limits:
    """What a figure has to keep.

    Parameters
    ----------
    text
        Smallest and largest size, points.
    stroke
        The thinnest line, points: below a quarter, some printers leave it out.
    width
        How far the page may be from the theme's width, points.
    lightness
        The least difference in lightness (CIE L*) of two colours of data which nothing else
        tells apart.
    """

    text: tuple[float, float] = (6.5, 13.0)
    stroke: float = 0.25
    width: float = 0.1
    lightness: float = 5.0


LIMITS = Limits()


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and what to change."""

    severity: Literal["error", "warning"]
    text: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.text}"


def findings_of(svg: str, pdf: bytes, theme: Theme, limits: Limits = LIMITS) -> list[Finding]:
    """What is wrong with a figure, errors first; empty where nothing is.

    Parameters
    ----------
    svg, pdf
        The same picture.
    theme
        What it was drawn for.
    """
    content = content_of(pdf)
    findings = [
        *_width(content, theme, limits),
        *_fonts(content, svg, theme),
        *_lost_text(svg, content),
        *_text_sizes(svg, theme, limits),
        *_strokes(svg, limits),
        *_greyscale(svg, limits),
    ]
    return sorted(findings, key=lambda finding: finding.severity)


def _width(content: Content, theme: Theme, limits: Limits) -> Iterator[Finding]:
    if abs(content.width - theme.width) > limits.width:
        yield Finding(
            "error",
            f"the page is {content.width:.2f} points wide, {theme.name} needs {theme.width:.2f}",
        )


def _fonts(content: Content, svg: str, theme: Theme) -> Iterator[Finding]:
    wanted = theme.font.split(",")[0].strip()
    others = [name for name in content.fonts if not _is_of(name, wanted)]
    if others and len(others) == len(content.fonts):
        yield Finding(
            "error",
            f"the font {wanted} is not installed, {others[0]} stands in for it: install it, or "
            f"leave the font out, which gives {FAMILY}",
        )
    elif others:
        signs = sorted({sign for label in _labels(svg) for sign in label} - set(advances()))
        told = " ".join(sign for sign in signs if not sign.isspace())
        yield Finding(
            "warning",
            f"{wanted} has no glyph for {told or 'some signs'}, {others[0]} stands in on this "
            "machine: another one may lack it; rename it, or give a theme with another font",
        )
    for name, embedded in content.fonts.items():
        if not embedded:
            yield Finding("error", f"the font {name} is not embedded: take another one")


def _is_of(name: str, family: str) -> bool:
    return _squeezed(name).startswith(_squeezed(family))


def _squeezed(name: str) -> str:
    return name.replace(" ", "").casefold()


_TEXT = re.compile(r"<text\b([^>]*)>(.*?)</text>", re.S)
_TAGS = re.compile(r"<[^>]*>")


def _labels(svg: str) -> list[str]:
    """The text that the picture is meant to show."""
    shown = (words for mark, words in _TEXT.findall(svg) if 'opacity="0"' not in mark)
    return [unescape(_TAGS.sub(" ", words)) for words in shown]


def _lost_text(svg: str, content: Content) -> Iterator[Finding]:
    """Characters that the PDF does not give back, with a label that has one."""
    wanted = _characters(_labels(svg))
    found = _characters(list(content.text))
    missing = wanted - found
    if not missing:
        return
    labels = [label for label in _labels(svg) if set(label) & set(missing)]
    signs = " ".join(sorted(missing))
    if wanted and not found.keys() - {LOST}:
        yield Finding("error", "no text is left in the PDF: its font is not installed")
        return
    yield Finding(
        "error",
        f"{FAMILY} has no glyph for {signs}, so the PDF lacks it in {labels[0]!r}: rename it, or "
        "give a theme with a font that has it",
    )


def _characters(texts: list[str]) -> Counter[str]:
    return Counter(sign for text in texts for sign in text if not sign.isspace())


_FONT_SIZE = re.compile(r'font-size="([\d.]+)(?:px)?"')


def _text_sizes(svg: str, theme: Theme, limits: Limits) -> Iterator[Finding]:
    sizes = [float(size) for mark, _ in _TEXT.findall(svg) for size in _FONT_SIZE.findall(mark)]
    small, large = limits.text
    if sizes and min(sizes) < small:
        yield Finding(
            "warning",
            f"text of {min(sizes):g} points is hard to read in print: use {small:g} or more",
        )
    if sizes and max(sizes) > large and not theme.on_screen:
        yield Finding(
            "warning",
            f"text of {max(sizes):g} points is larger than the paper's: use up to {large:g}",
        )


_STROKE = re.compile(r'stroke-width="([\d.]+)"')


def _strokes(svg: str, limits: Limits) -> Iterator[Finding]:
    widths = [float(width) for width in _STROKE.findall(svg) if float(width) > 0]
    if widths and min(widths) < limits.stroke:
        yield Finding(
            "warning",
            f"a line of {min(widths):g} points may not print: make it {limits.stroke:g} or wider",
        )


_MARK = re.compile(r'<path [^>]*role="graphics-symbol"[^>]*>')
_COLOUR = re.compile(r'\b(stroke|fill)="(#[0-9A-Fa-f]{6})"')
_DASH = re.compile(r'stroke-dasharray="([^"]*)"')


def _greyscale(svg: str, limits: Limits) -> Iterator[Finding]:
    """Lines that only their hue tells apart: of like lightness and the same dash."""
    lines = set()
    for mark in _MARK.findall(svg):
        if 'aria-roledescription="line mark"' in mark:
            found = _DASH.search(mark)
            dashes = found[1] if found else ""
            strokes = (colour for part, colour in _COLOUR.findall(mark) if part == "stroke")
            lines |= {(colour.upper(), dashes) for colour in strokes}
    for (one, dash), (other, dashed) in combinations(sorted(lines), 2):
        alike = abs(lightness(one) - lightness(other)) < limits.lightness
        if one != other and dash == dashed and alike:
            yield Finding(
                "warning",
                f"the lines {one} and {other} look the same in greyscale: give them different "
                "dashes, or colours of different lightness",
            )
            return
