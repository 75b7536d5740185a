"""The notebooks: kept without output, and executed by papermill in a real kernel."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest

from mlbench.run import open_run

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.unit
@every_notebook
def test_a_notebook_is_kept_valid_and_without_output(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(cell.id for cell in notebook.cells)
    assert [c.id for c in code_cells(notebook) if c.outputs or c.execution_count] == []


@pytest.mark.unit
@every_notebook
def test_a_notebook_takes_parameters(path: Path) -> None:
    assert {"quick", "out"} <= set(papermill.inspect_notebook(path))


@every_notebook
def test_a_notebook_executes(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    parameters = {"quick": True, "out": str(out)}
    papermill.execute_notebook(
        path, tmp_path / path.name, parameters, cwd=tmp_path, progress_bar=False
    )
    runs = [open_run(run) for run in out.iterdir()]
    assert [run.status for run in runs] == ["done"]
