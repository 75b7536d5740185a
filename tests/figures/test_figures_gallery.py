"""Every figure, from recorded runs: as a PDF for a paper, and together on a gallery page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest
from figure_data import HOSTILE, energy_table, load_table, sweep_table, tradeoff_table

from mlbench import figures
from mlbench.figures.pdf import content_of
from mlbench.figures.venue import theme

GALLERY = Path(__file__).parents[2] / "artefacts" / "figures"
"""Where the pages go, for people to look at; not part of the repository."""

DRAWN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "timeline": ("run", figures.timeline),
    "spans": ("run", figures.spans),
    "latency": ("group", figures.latency),
    "breakdown": ("group", figures.breakdown),
    "slowdown": ("group", figures.slowdown),
    "matrix": ("pairs", figures.matrix),
    "tradeoff": ("run", lambda _: figures.tradeoff(tradeoff_table())),
    "load": ("run", lambda _: figures.load(load_table())),
    "sensitivity": ("against", figures.sensitivity),
    "energy": ("run", lambda _: figures.energy(energy_table())),
    "sweep": (
        "run",
        lambda _: figures.sweep(
            sweep_table(), x="rate", y="latency_ms", panels="share", y_title="latency (ms)"
        ),
    ),
    "graph": ("run", figures.graph),
}


def test_the_gallery_has_every_figure() -> None:
    tools = {"FigureWarning", "Finding", "Saved", "Theme", "VENUES", "looks", "preflight", "save"}
    assert set(DRAWN) == set(figures.__all__) - tools - {"theme"}


WIDE = ("sweep", "timeline")
"""Those that are drawn over two columns, too."""

CASES = [(name, 1) for name in DRAWN] + [(name, 2) for name in WIDE]


@pytest.mark.parametrize(("name", "columns"), CASES)
def test_a_figure_is_fit_for_a_paper(
    name: str, columns: int, request: pytest.FixtureRequest, save: Any
) -> None:
    """Its width is exact, its fonts are in the file, no label is lost, and preflight is silent."""
    source, draw = DRAWN[name]
    chart = draw(request.getfixturevalue(source))
    chart.to_dict()  # as a notebook shows it: Altair checks it against its schema
    path = save(chart, f"{name}.pdf", venue="acmart", columns=columns)
    page = content_of(path.read_bytes())
    assert page.width == pytest.approx(theme("acmart", columns).width, abs=0.1)
    assert page.fonts
    assert all(embedded and n.startswith("SourceSansPro") for n, embedded in page.fonts.items())
    found = json.loads(path.with_name(f"{name}.pdf.json").read_text())["preflight"]
    assert [each for each in found if "The run is INVALID" not in each] == []
    if columns == 1:
        _keep(path)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
def test_another_reader_finds_every_label_in_the_file(run: Any, save: Any) -> None:
    chart = figures.spans(run)
    said = subprocess.run(
        ["pdftotext", "-layout", save(chart, venue="ieeetran"), "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    svg = save(chart, "figure.svg", venue="ieeetran").read_text()
    labels = map(unescape, re.findall(r"<text[^>]*>([^<]*)", svg))
    words = {word for label in labels for word in label.split()}
    assert words
    assert {word for word in words if word not in said} == set()


def test_names_are_drawn_as_they_are(run: Any, save: Any) -> None:
    page = content_of(save(figures.spans(run), venue="acmart").read_bytes())
    assert HOSTILE in "".join(page.text)


def _keep(path: Path) -> None:
    """Put a figure into the gallery, and write its page anew."""
    GALLERY.mkdir(parents=True, exist_ok=True)
    for suffix in (".pdf", ".pdf.json", ".txt"):
        shutil.copy(path.with_suffix("").with_suffix(suffix), GALLERY)
    entries = [
        f"<h2>{each.stem}</h2><embed src='{each.name}' width='500' height='420'>"
        f"<p>{escape(each.with_suffix('.txt').read_text())}</p>"
        for each in sorted(GALLERY.glob("*.pdf"))
    ]
    page = "<!DOCTYPE html><meta charset='utf-8'><title>Figures</title>" + "\n".join(entries)
    (GALLERY / "index.html").write_text(page, encoding="utf-8")
