"""The notebooks: kept without output, and executed by papermill in a real kernel."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import papermill
import pytest

from mlbench.run import open_run
from mlbench.store.kind import is_run, is_study, is_sweep
from mlbench.study.study import open_study
from mlbench.sweep import open_sweep

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

LEAVES = {
    "01_quick_start": ["run"],
    "02_build_a_pipeline": ["run"],
    "03_live_collocation": ["run", "study"],
    "04_figures_for_a_paper": ["study"],
    "05_one_sweep_point": ["study"],
    "06_reading_a_sweep": ["sweep"],
}
"""What each has measured when it has ended, if it was given nothing."""

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.unit
def test_every_notebook_is_known() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(LEAVES)


@pytest.mark.unit
@every_notebook
def test_a_notebook_is_kept_valid_and_without_output(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(cell.id for cell in notebook.cells)
    assert [c.id for c in code_cells(notebook) if c.outputs or c.execution_count] == []


@pytest.mark.unit
@every_notebook
def test_a_notebook_takes_parameters_with_types_and_says_how(path: Path) -> None:
    parameters = papermill.inspect_notebook(path)
    assert {"quick", "out"} <= set(parameters)
    assert [name for name, each in parameters.items() if each["inferred_type_name"] == "None"] == []
    first = nbformat.read(path, as_version=4).cells[0]
    assert f"papermill notebooks/{path.name}" in first.source
    named = first.source.partition("```sh")[2].partition("```")[0].split(" -p ")[1:]
    assert {each.split()[0] for each in named} <= set(parameters)


@every_notebook
def test_a_notebook_executes(path: Path, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "notebooks")  # one executes another
    out = tmp_path / "runs"
    papermill.execute_notebook(
        path,
        tmp_path / path.name,
        {"quick": True, "out": str(out)},
        cwd=tmp_path / "notebooks",
        progress_bar=False,
    )
    assert sorted(map(_left, out.iterdir())) == LEAVES[path.stem]


def _left(path: Path) -> str:
    """What a directory holds, which has ended as it should."""
    if is_run(path):
        assert open_run(path).status == "done"
        return "run"
    if is_study(path):
        assert open_study(path).status == "done"
        return "study"
    assert is_sweep(path)
    assert set(open_sweep(path).results()["status"]) == {"done"}
    return "sweep"
