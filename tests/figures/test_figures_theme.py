"""Themes: widths of venues, sizes of text, and colours that everybody can tell apart."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from mlbench.errors import FigureError
from mlbench.figures.colour import contrast, lightness
from mlbench.figures.palette import COLOURS, DASHES, looks
from mlbench.figures.venue import theme

pytestmark = pytest.mark.unit

DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""What is left of linear RGB, at full severity (Machado, Oliveira and Fernandes, 2009)."""

TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def lab(colour: str, deficiency: str) -> np.ndarray:
    """CIE L*a*b* of a colour as somebody sees it."""
    srgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(DEFICIENCIES[deficiency]) @ linear, 0, 1)
    x, y, z = np.cbrt(TO_XYZ @ seen / np.array([0.95047, 1, 1.08883]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_widths_are_those_of_the_classes() -> None:
    tex_pt = 72 / 72.27
    assert theme("acmart").width == pytest.approx(241.14749 * tex_pt)
    assert theme("acmart", columns=2).width == pytest.approx(506.295 * tex_pt)
    assert theme("IEEEtran").width == pytest.approx(252 * tex_pt)
    assert theme("ieeetran", columns=2).width == pytest.approx(516 * tex_pt)
    assert theme(300).width == pytest.approx(300 * tex_pt)


def test_text_in_a_paper_has_7_to_9_points() -> None:
    for venue in ("acmart", "ieeetran", 200):
        found = theme(venue)
        assert 7 <= found.label_size <= found.title_size <= 9


def test_an_unknown_venue_names_the_nearest() -> None:
    with pytest.raises(FigureError, match="did you mean 'acmart'"):
        theme("acmrt")


@pytest.mark.parametrize(("venue", "columns"), [("acmart", 3), (20, 1), (1e6, 1)])
def test_a_width_that_no_page_has_is_refused(venue: str | float, columns: int) -> None:
    with pytest.raises(FigureError, match=r"wide|width"):
        theme(venue, columns)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(("first", "least"), [(2, 80), (4, 25), (8, 10)])
def test_colours_are_told_apart(deficiency: str, first: int, least: float) -> None:
    places = [lab(colour, deficiency) for colour in COLOURS[:first]]
    assert min(np.linalg.norm(a - b) for a, b in combinations(places, 2)) >= least


def test_colours_stand_out_from_the_paper() -> None:
    assert min(contrast(colour) for colour in COLOURS) >= 3


def test_neighbours_differ_in_greyscale_by_their_dash_or_their_lightness() -> None:
    found = list(looks([str(number) for number in range(40)]).values())
    for one, other in pairwise(found):
        assert one.dash != other.dash or abs(lightness(one.colour) - lightness(other.colour)) > 15


def test_forty_pipelines_look_different() -> None:
    found = looks([str(number) for number in range(40)])
    assert len({(look.colour, look.dash) for look in found.values()}) == 40
    assert {look.dash for look in found.values()} == set(DASHES)


def test_a_pipeline_keeps_its_look_whoever_else_is_drawn() -> None:
    names = ["a", "b", "c"]
    assert looks(names)["c"] == looks([*names, "d", "e"])["c"]
