"""Saving: exact widths, equal bytes, a sidecar, and what a venue changes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pytest
from figure_data import group_study

from mlbench import figures
from mlbench.errors import FigureError, OutputError
from mlbench.figures.pdf import content_of
from mlbench.figures.venue import theme

TABLE = pd.DataFrame({"x": range(20), "y": [i * i for i in range(20)], "c": list("pqrst") * 4})
LINE = alt.Chart(TABLE).mark_line().encode(x="x:Q", y="y:Q", color="c:N").properties(height=60)
KINDS = {
    "single": LINE,
    "layered": LINE + LINE.mark_point(),
    "faceted": LINE.facet(column="c:N"),
    "wrapped": LINE.facet("c:N", columns=2),
    "side by side": LINE | LINE,
    "nested": (LINE | LINE) & LINE.properties(width=300),
    "repeated": alt.Chart(TABLE)
    .mark_bar()
    .encode(alt.X(alt.repeat("column"), type="quantitative"), y="count()")
    .repeat(column=["x", "y"]),
}


def quietly(chart: Any, path: Path, **options: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", figures.FigureWarning)
        return figures.save(chart, path, **options).path


@pytest.mark.parametrize("kind", KINDS)
def test_the_width_in_the_file_is_exact_whatever_the_chart(kind: str, tmp_path: Path) -> None:
    for venue in ("acmart", 397.48):
        path = quietly(KINDS[kind], tmp_path / "chart.pdf", venue=venue)
        width = content_of(path.read_bytes()).width
        assert width == pytest.approx(theme(venue).width, abs=0.1)


def test_saving_twice_gives_equal_bytes(group: Any, save: Any) -> None:
    chart = figures.slowdown(group)
    assert save(chart, "a.pdf").read_bytes() == save(chart, "b.pdf").read_bytes()
    assert save(chart, "a.svg").read_bytes() == save(chart, "b.svg").read_bytes()


def test_another_process_gives_equal_bytes(group: Any, save: Any, tmp_path: Path) -> None:
    code = (
        "import mlbench as mb; "
        f"mb.figures.slowdown(mb.open_study({str(group.path)!r}))"
        f".save({str(tmp_path / 'there.pdf')!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)
    here = save(figures.slowdown(group), "here.pdf")
    assert here.read_bytes() == (tmp_path / "there.pdf").read_bytes()


def test_the_sidecar_says_what_the_figure_is_made_from(group: Any, save: Any) -> None:
    path = save(figures.latency(group), "fig3.pdf")
    about = json.loads((path.parent / "fig3.pdf.json").read_text())
    assert about["figure"] == "latency"
    assert about["runs"] == [group.id]
    assert about["spec_hash"] == group.manifest.spec_hash
    assert about["file_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {"mlbench", "altair", "vl-convert-python", "pikepdf"} <= set(about["versions"])
    assert about["venue"]["name"] == "acmart"
    assert (path.parent / "fig3.txt").read_text().strip() == about["caption"]
    assert "n = " in about["caption"]


def test_other_data_has_another_hash(tmp_path: Path) -> None:
    hashes = set()
    for number in range(2):
        chart = alt.Chart(TABLE.assign(y=number)).mark_line().encode(x="x:Q", y="y:Q")
        quietly(chart, tmp_path / "chart.pdf")
        hashes.add(json.loads((tmp_path / "chart.pdf.json").read_text())["data_sha256"])
    assert len(hashes) == 2


def test_a_figure_for_the_screen_is_drawn_anew_for_the_paper(group: Any, save: Any) -> None:
    chart = figures.slowdown(group)
    texts = "".join(content_of(save(chart).read_bytes()).text)
    assert "Slowdown" in chart.to_dict()["title"]["text"]
    assert "Geometric means" not in texts  # the caption stands in the paper
    assert content_of(save(chart, venue="ieeetran").read_bytes()).width == pytest.approx(
        251.06, abs=0.1
    )


def test_a_changed_figure_is_saved_as_it_was_changed(group: Any, save: Any) -> None:
    chart = figures.slowdown(group, venue="acmart").properties(title="Mine")
    assert "Mine" in "".join(content_of(save(chart).read_bytes()).text)


def test_svg_and_png_have_the_same_width(group: Any, save: Any) -> None:
    chart = figures.slowdown(group)
    svg = save(chart, "a.svg", venue="acmart").read_text()
    assert 'width="240.2466"' in svg[:200]
    png = save(chart, "a.png", venue="acmart", dots_per_inch=144).read_bytes()
    assert int.from_bytes(png[16:20], "big") == pytest.approx(2 * 240.25, abs=1)


def test_html_is_left_to_altair(group: Any, tmp_path: Path) -> None:
    figures.slowdown(group).save(tmp_path / "a.html")
    assert "<html" in (tmp_path / "a.html").read_text()


def test_an_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(FigureError, match=r"did you mean '\.pdf'"):
        figures.save(LINE, tmp_path / "a.pfd")


def test_what_is_no_chart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FigureError, match="expected a chart of Altair's, got DataFrame"):
        figures.save(TABLE, tmp_path / "a.pdf")


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        quietly(LINE, tmp_path / "file" / "a.pdf")


def test_names_that_leave_no_room_say_so(tmp_path: Path) -> None:
    wide = alt.Chart(pd.DataFrame({"n": ["w" * 80], "v": [1]})).mark_bar().encode(y="n:N", x="v:Q")
    with pytest.raises(FigureError, match="shorten the names"):
        quietly(wide, tmp_path / "a.pdf", venue="acmart")


def test_a_notebook_shows_a_picture_that_loads_nothing() -> None:
    """Altair's own output is a script from the net: offline, or untrusted, it shows nothing."""
    table = pd.DataFrame({"rate": [1, 2], "latency_ms": [3.0, 4.0]})
    data, sizes = figures.sweep(table, x="rate", y="latency_ms")._repr_mimebundle_()
    assert list(data) == ["application/vnd.vegalite.v5+json", "image/png"]
    assert data["application/vnd.vegalite.v5+json"]["$schema"].endswith("vega-lite/v5.json")
    assert data["image/png"].startswith(b"\x89PNG")
    assert sizes["image/png"]["width"] == 640


def test_what_has_no_value_is_null_and_the_page_gets_json(tmp_path: Path) -> None:
    """One block has no interval; a browser refuses a document with ``NaN`` in it."""
    study = group_study(tmp_path / "study", blocks=1)
    data, _ = figures.slowdown(study)._repr_mimebundle_()
    live = json.dumps(data["application/vnd.vegalite.v5+json"], allow_nan=False)
    assert '"low": null' in live
