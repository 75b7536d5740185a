"""The paper in a folder: its plan's smallest form, and everything that the page includes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import papermill
import pytest

from mlbench.figures.venue import theme
from mlbench.study.study import open_study
from mlbench.sweep import Plan, Sweep, load_plan, open_sweep, run

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
def swept(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """What is measured; one block is fewer than a study needs."""
    sweep = run(smallest(load_plan(PAPER / "plan.yml")), out=tmp_path_factory.mktemp("runs"))
    assert sweep.status == "done", sweep.states()
    return sweep


@pytest.fixture(scope="module")
def made(swept: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that LaTeX runs in."""
    return drawn(swept, tmp_path_factory.mktemp("paper"))


def drawn(sweep: Sweep, folder: Path) -> Path:
    """What the notebook makes of a sweep."""
    parameters = {"sweep": str(sweep.path), "out": str(folder / "out")}
    papermill.execute_notebook(
        PAPER / "paper.ipynb", folder / "paper.ipynb", parameters, cwd=folder, progress_bar=False
    )
    return folder / "out"


def content_with_one_block(sweep: Sweep, path: Path) -> Sweep:
    """The same runs, of studies to which one block is enough."""
    shutil.copytree(sweep.path, path)
    for manifest in path.glob("points/*/runs/*/study.json"):
        told = json.loads(manifest.read_text())
        told["spec"]["study"]["min_blocks"] = 1
        manifest.write_text(json.dumps(told))
    return open_sweep(path)


def findings(folder: Path) -> dict[str, list[str]]:
    """What preflight said of each figure."""
    return {
        sidecar.name.partition(".")[0]: json.loads(sidecar.read_text())["preflight"]
        for sidecar in folder.glob("*.pdf.json")
    }


def expected(sweep: Sweep) -> dict[str, list[str]]:
    """What it has to say: that what is drawn is INVALID, where it is, and nothing else."""
    table = sweep.results()
    rows = table[table["role"] == "collocated"]
    assert len(set(rows["verdict"])) == 1  # they are of one point
    count, spoilt = len(rows), set(rows["verdict"]) == {"INVALID"}
    left = f"{count} of {count} rows do not count, because they are INVALID; hollow points are of"
    first = rows.iloc[0]
    study = open_study(sweep.path / "points" / first["point"] / "runs" / first["run"])
    return {
        "slowdown": [f"warning: All {count} rows are INVALID", f"warning: {left} them alone"]
        * spoilt,
        "breakdown": [
            f"warning: The study is INVALID: {reason.rstrip('.')}"
            for reason in study.verdict().reasons[:1]
        ],
        "pipelines": [],
    }


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


def test_preflight_finds_that_a_figure_is_of_something_invalid_and_nothing_else(
    swept: Sweep, made: Path
) -> None:
    found = findings(made)
    assert found == expected(swept)
    assert [name for name, told in found.items() if not told] == ["pipelines"]


def test_it_follows_the_verdict_of_the_same_runs_where_one_block_is_enough(
    swept: Sweep, tmp_path: Path
) -> None:
    enough = content_with_one_block(swept, tmp_path / "sweep")
    found = findings(drawn(enough, tmp_path))
    assert found == expected(enough)


@pytest.mark.unit
def test_the_notebook_of_the_paper_is_kept_without_output() -> None:
    cells = json.loads((PAPER / "paper.ipynb").read_text())["cells"]
    assert [c["id"] for c in cells if c.get("outputs") or c.get("execution_count")] == []


@pytest.mark.unit
@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
def test_the_plan_of_the_paper_is_one_that_can_be_executed() -> None:
    plan = load_plan(PAPER / "plan.yml")
    assert len(plan.parameters.points) * plan.repeats == 12
