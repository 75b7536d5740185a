"""Preflight: what is wrong with a figure, and what to change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pytest

from mlbench import figures
from mlbench.errors import FigureError
from mlbench.figures import font
from mlbench.figures.venue import theme

TABLE = pd.DataFrame({"x": [0, 1, 2, 0, 1, 2], "y": [1, 2, 3, 2, 3, 4], "c": list("aaabbb")})
BASE = alt.Chart(TABLE).mark_line().encode(x="x:Q", y="y:Q")


def texts(chart: Any, venue: Any = "acmart") -> list[str]:
    return [str(finding) for finding in figures.preflight(chart, venue)]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert texts(BASE) == []


def test_a_missing_font_is_an_error_that_names_what_stands_in(tmp_path: Path) -> None:
    other = replace(theme("acmart"), font="Nowhere Grotesk, sans-serif")
    with pytest.raises(FigureError, match=r"Nowhere Grotesk is not installed, \w+.* stands in"):
        figures.save(BASE, tmp_path / "a.pdf", venue=other)
    assert list(tmp_path.iterdir()) == []


def test_text_that_is_lost_altogether_is_an_error(tmp_path: Path) -> None:
    other = replace(theme("acmart"), font="Nowhere Grotesk")
    with pytest.raises(FigureError, match="no text is left in the PDF"):
        figures.save(BASE, tmp_path / "a.pdf", venue=other)


def test_a_sign_that_no_font_has_is_an_error_with_its_label(tmp_path: Path) -> None:
    chart = BASE.encode(x=alt.X("x:Q", title="time \ue123"))
    with pytest.raises(FigureError, match=r"no glyph for .*so the PDF lacks it in 'time"):
        figures.save(chart, tmp_path / "a.pdf", venue="acmart")


def test_a_bundled_font_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font, "FILES", {400: Path("gone.ttf")})
    font.register_fonts.cache_clear()
    try:
        with pytest.raises(FigureError, match=r"gone\.ttf is missing.*sans-serif"):
            font.register_fonts()
    finally:
        font.register_fonts.cache_clear()


def test_small_text_is_found() -> None:
    (found,) = texts(BASE.encode(x=alt.X("x:Q", axis=alt.Axis(labelFontSize=5))))
    assert "text of 5 points is hard to read in print: use 6.5 or more" in found


def test_a_thin_line_is_found() -> None:
    (found,) = texts(BASE.mark_line(strokeWidth=0.1))
    assert "a line of 0.1 points may not print" in found


def test_lines_that_only_their_hue_tells_apart_are_found() -> None:
    scale = alt.Scale(range=["#D55E00", "#4F9A06"])
    (found,) = texts(BASE.encode(color=alt.Color("c:N", scale=scale)))
    assert "look the same in greyscale" in found


def test_dashes_tell_them_apart() -> None:
    scale = alt.Scale(range=["#D55E00", "#4F9A06"])
    chart = BASE.encode(color=alt.Color("c:N", scale=scale), strokeDash="c:N")
    assert texts(chart) == []


def test_what_is_less_than_an_error_is_a_warning_and_the_file_is_there(tmp_path: Path) -> None:
    with pytest.warns(figures.FigureWarning, match=r"a\.pdf: a line of 0.1 points"):
        saved = figures.save(BASE.mark_line(strokeWidth=0.1), tmp_path / "a.pdf")
    assert saved.path.is_file()
    assert [finding.severity for finding in saved.findings] == ["warning"]
