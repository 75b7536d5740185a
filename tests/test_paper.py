"""The paper in a folder: its plan's smallest form, and everything that the page includes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import papermill
import pytest

from mlbench.figures.venue import theme
from mlbench.sweep import Plan, load_plan, run

PAPER = Path(__file__).parent.parent / "examples" / "paper"
TEX = (PAPER / "paper.tex").read_text(encoding="utf-8")

SHORT = {
    "study.seconds": 2,
    "study.settle": 0.2,
    "study.cooldown": 0,
    "study.foreign_share": 1,
    "study.steal_share": 1,
}
"""A look, whoever else is on the machine."""


def smallest(plan: Plan) -> Plan:
    """One point, once."""
    point = plan.parameters.points[0]
    parameters = plan.parameters.model_copy(update={"points": (point,), "fixed": SHORT})
    relaxed = plan.contamination.model_copy(update={"foreign_share": 1, "steal_share": 1})
    changes = {"parameters": parameters, "repeats": 1, "contamination": relaxed}
    return plan.model_copy(update=changes)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that LaTeX runs in."""
    folder = tmp_path_factory.mktemp("paper")
    sweep = run(smallest(load_plan(PAPER / "plan.yml")), out=folder / "runs")
    assert sweep.status == "done", sweep.states()
    parameters = {"sweep": str(sweep.path), "out": str(folder / "out")}
    papermill.execute_notebook(
        PAPER / "paper.ipynb", folder / "paper.ipynb", parameters, cwd=folder, progress_bar=False
    )
    return folder / "out"


def test_the_notebook_makes_every_file_that_the_page_includes(made: Path) -> None:
    named = re.findall(r"\\(?:includegraphics|input)\{([^}]+)\}", TEX)
    assert len(named) == 5
    assert [name for name in named if not (made / name).is_file()] == []


def test_every_number_of_the_text_is_a_macro_that_is_made(made: Path) -> None:
    defined = dict(
        re.findall(r"\\newcommand\{\\(\w+)\}\{(.*)\}", (made / "numbers.tex").read_text())
    )
    assert {name for name in defined if rf"\{name}{{}}" in TEX} == set(defined)
    assert all(defined.values())
    body = TEX.partition(r"\begin{document}")[2]
    text = re.sub(r"95\\,\\%|EfficientNet-Lite0|Above 1 is|where 2 would", "", body)
    assert re.findall(r"\d", text) == []


def test_figures_fit_the_column_of_the_page_unscaled(made: Path) -> None:
    assert "sigconf" in TEX
    assert r"\includegraphics[" not in TEX
    for sidecar in made.glob("*.pdf.json"):
        told = json.loads(sidecar.read_text())
        assert told["venue"]["width_pt"] == pytest.approx(theme("acmart").width, abs=1e-3)
        assert told["preflight"] == []


@pytest.mark.unit
def test_the_notebook_of_the_paper_is_kept_without_output() -> None:
    cells = json.loads((PAPER / "paper.ipynb").read_text())["cells"]
    assert [c["id"] for c in cells if c.get("outputs") or c.get("execution_count")] == []


@pytest.mark.unit
@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
def test_the_plan_of_the_paper_is_one_that_can_be_executed() -> None:
    plan = load_plan(PAPER / "plan.yml")
    assert len(plan.parameters.points) * plan.repeats == 12
