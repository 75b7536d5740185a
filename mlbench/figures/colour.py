"""Colours as people see them: lightness, and contrast."""

from __future__ import annotations

__all__ = ["contrast", "is_dark", "lightness", "luminance"]


def luminance(colour: str) -> float:
    """The relative luminance of ``#RRGGBB``, 0 to 1 (IEC 61966-2-1).

    Examples
    --------
    >>> luminance("#000000"), round(luminance("#FFFFFF"), 9)
    (0.0, 1.0)
    """
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lightness(colour: str) -> float:
    """CIE L*, 0 black to 100 white: what is left of a colour in greyscale.

    Examples
    --------
    >>> round(lightness("#777777"))
    50
    """
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 216 / 24389 else y * 24389 / 27


def contrast(one: str, other: str = "#FFFFFF") -> float:
    """The contrast of two colours, 1 to 21; 3 is the least for graphics (WCAG 2.2, 1.4.11).

    Examples
    --------
    >>> round(contrast("#000000"))
    21
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def is_dark(colour: str) -> bool:
    """Whether white text is the better one on it."""
    return contrast(colour) >= 4.5
