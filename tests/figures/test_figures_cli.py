"""``mlbench figures``, ``report`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mlbench.cli import commands


def cli(*arguments: object) -> Result:
    return CliRunner().invoke(commands, [str(argument) for argument in arguments])


def test_figures_saves_the_standard_set_and_says_what_it_cannot_draw(
    group: Any, tmp_path: Path
) -> None:
    result = cli("figures", group.path, "--venue", "ieeetran", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    drawn = {path.stem for path in (tmp_path / "out").glob("*.pdf")}
    assert drawn == {"graph", "slowdown", "latency", "breakdown", "tradeoff"}
    assert str(tmp_path / "out" / "slowdown.pdf") in result.stdout


@pytest.mark.parametrize("command", ["figures", "report", "export"])
def test_the_help_keeps_the_lines_of_its_examples(command: str) -> None:
    said = cli(command, "--help").output
    assert f"\n    mlbench {command} runs/" in said
    assert "\\b" not in said


def test_a_width_in_points_is_a_venue(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("mlbench.report.standard.OF_RUN", ("graph",))
    result = cli("figures", run.path, "--venue", "300pt", "--format", "svg", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert 'width="298.8792"' in (tmp_path / "graph.svg").read_text()[:200]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("figures", "RUN", "--venue", "acmrt"), "did you mean 'acmart'"),
        (("export", "RUN", "--to", "perfeto"), "did you mean 'perfetto'"),
        (("report", "nowhere"), "there is no run nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    arguments: tuple[str, ...], message: str, run: Any
) -> None:
    result = cli(*(run.path if each == "RUN" else each for each in arguments))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_report_and_export_say_what_they_wrote(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("mlbench.report.standard.OF_RUN", ("graph",))
    page = cli("report", run.path, "--out", tmp_path / "page.html")
    assert page.exit_code == 0, page.output
    assert page.stdout.strip() == str(tmp_path / "page.html")
    trace = cli("export", run.path, "--to", "perfetto", "--out", tmp_path)
    assert trace.stdout.strip() == str(tmp_path / "trace.json")
