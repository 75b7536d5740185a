"""The report: one page that needs nothing else."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlbench.errors import FigureError, OutputError
from mlbench.report import report
from mlbench.spec import Benchmark

HOSTILE = 'b "quoted" <i>&'


@pytest.fixture(scope="module")
def page(run: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return report(run, tmp_path_factory.mktemp("page") / "run.html").read_text()


def test_a_page_that_cannot_be_written_is_said_before_anything_is_drawn(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlbench.report.page._html", lambda _: pytest.fail("it was drawn"))
    (tmp_path / "file").touch()
    for target in (tmp_path, tmp_path / "file" / "page.html"):
        with pytest.raises(OutputError, match="cannot write"):
            report(run, target)


def test_a_page_that_could_not_be_drawn_leaves_no_file(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> str:
        raise FigureError("no")

    monkeypatch.setattr("mlbench.report.page._html", fail)
    with pytest.raises(FigureError):
        report(run, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def study_page(study: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return report(study, tmp_path_factory.mktemp("page") / "study.html").read_text()


def body(page: str) -> str:
    """The page without its scripts, which hold Vega's own texts."""
    return re.sub(r"<script>.*?</script>", "", page, flags=re.S)


def charts(page: str) -> list[Any]:
    """The specifications in the page."""
    found = re.search(r"^const charts = (\[.*\]);$", page, re.M)
    assert found is not None
    charts: list[Any] = json.loads(found[1])
    return charts


def test_the_page_loads_nothing(page: str) -> None:
    assert re.findall(r"<(?:link|iframe|img)\b", body(page)) == []
    assert re.findall(r"(?:src|href)\s*=\s*['\"]?(?!data:)[^>\s]+", body(page)) == []
    assert re.findall(r"url\((?!data:)", body(page)) == []
    assert "<script src" not in page


def test_it_reads_like_a_section_on_results(page: str) -> None:
    headings = re.findall(r"<h2>(.*?)</h2>", body(page))
    wanted = ["figures", "Verdict", "Tables", "Figures", "Environment", "How to reproduce"]
    assert headings == wanted


def test_the_scripts_are_inside_and_every_chart_has_its_place(page: str) -> None:
    assert "window.vegaEmbed=" in page
    drawn = charts(page)
    assert len(drawn) >= 5
    assert all(f"id='{place}'" in page for place, _ in drawn)
    assert all(spec["$schema"].startswith("https://vega.github.io") for _, spec in drawn)


def test_names_are_text_and_no_markup(page: str) -> None:
    assert "<i>" not in page.split("<script>", maxsplit=1)[0]
    assert HOSTILE in unescape(body(page))


def test_nothing_in_the_data_ends_the_script(page: str) -> None:
    line = next(line for line in page.splitlines() if line.startswith("const charts = "))
    assert "<" not in line


def test_what_it_says_to_run_is_the_spec(run: Any, page: str) -> None:
    listing = unescape(re.findall(r"<pre>(.*?)</pre>", body(page), re.S)[-1])
    again = Benchmark.model_validate(yaml.safe_load(listing))
    assert again == run.bench


def test_a_study_has_its_verdict_in_words_and_its_tables(study: Any, study_page: str) -> None:
    said = unescape(body(study_page))
    assert study.summary()["verdict"] in said
    assert "intervals over blocks" in said
    assert {"slowdown", "latency"} <= {
        spec["usermeta"]["mlbench"]["figure"] for _, spec in charts(study_page)
    }


def test_the_same_run_gives_the_same_page(run: Any, page: str, tmp_path: Path) -> None:
    assert report(run, tmp_path / "again.html").read_text() == page
