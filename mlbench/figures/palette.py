"""How a pipeline looks: its colour and its dash, the same in every figure of a study.

The colours are told apart by people with any of the three colour-vision deficiencies and
have a contrast of 3 to 1 with white; the dashes tell them apart in greyscale. A test holds
both, with the matrices of Machado et al. (2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["COLOURS", "DASHES", "NEUTRAL", "QUEUE", "SHAPES", "Look", "looks", "mixed", "tints"]

COLOURS = (
    "#1F5599",
    "#D97400",
    "#7A0F2B",
    "#109A7E",
    "#9B5DE5",
    "#5E5E5E",
    "#C2185B",
    "#5B4A00",
)
DASHES = ((1, 0), (4, 1.5), (1.2, 1.2), (6, 1.5, 1.2, 1.5), (8, 2.5))
"""Lengths in line widths; a solid line is one without gaps."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
NEUTRAL, QUEUE = "#767676", "#B8B8B8"
"""What belongs to no pipeline, and waiting."""


@dataclass(frozen=True)
class Look:
    """The look of one pipeline."""

    colour: str
    dash: tuple[float, ...]
    shape: str

    def dashed(self, line: float) -> list[float]:
        """The dash of a line of that width, in points; of a solid one, empty."""
        return [] if self.dash == DASHES[0] else [round(length * line, 2) for length in self.dash]


def looks(names: Sequence[str]) -> dict[str, Look]:
    """The look of each pipeline, by its place among *all* pipelines of the benchmark.

    The first eight differ in colour, and neighbours in dash as well; up to 40 no two have
    both the same.

    Examples
    --------
    >>> looks(["rag", "train"])["train"]
    Look(colour='#D97400', dash=(4, 1.5), shape='square')
    """
    return {name: _look(place) for place, name in enumerate(names)}


def _look(place: int) -> Look:
    """8 and 5 have no common factor, so colour and dash repeat together after 40."""
    return Look(
        COLOURS[place % len(COLOURS)],
        DASHES[place % len(DASHES)],
        SHAPES[place % len(SHAPES)],
    )


def tints(colour: str, count: int) -> list[str]:
    """``count`` tints of a colour, from itself to a light one, for the stages of a pipeline.

    Examples
    --------
    >>> tints("#000000", 2)
    ['#000000', '#a6a6a6']
    """
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    steps = [0.65 * place / max(1, count - 1) for place in range(count)]
    return ["#" + "".join(f"{round(part + (255 - part) * s):02x}" for part in parts) for s in steps]


def mixed(one: str, other: str, share: float) -> str:
    """A colour between two: ``share`` 0 is the first, 1 the second.

    Examples
    --------
    >>> mixed("#FFFFFF", "#000000", 0.5)
    '#808080'
    """
    pairs = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)
