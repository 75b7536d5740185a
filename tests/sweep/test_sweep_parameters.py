"""Parameters of notebooks are typed: nothing is converted, and nothing passes by mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sweep_support import manifest, notebook

from mlbench.errors import SpecError
from mlbench.sweep.declared import declared_in
from mlbench.sweep.notebook import Notebook

pytestmark = pytest.mark.unit


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return notebook(tmp_path / "tiny.ipynb")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", "2", "expected a whole number, not '2'"),
        ("x", 2.0, "expected a whole number"),
        ("x", True, "expected a whole number"),
        ("mode", 1, "expected text"),
        ("rate", "fast", "expected a number"),
        ("size", "2x3", "it becomes a tuple"),
        ("names", [1], "should be a valid string"),
        ("rate", float("inf"), "expected a finite number"),
    ],
)
def test_a_value_of_another_type_is_an_error(
    tiny: Path, name: str, value: Any, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        manifest(tiny, parameters={"grid": {name: [value]}})


def test_a_tuple_is_refused_because_it_would_become_a_list(tiny: Path) -> None:
    with pytest.raises(SpecError, match=r"write \[2, 3\]"):
        manifest(tiny, parameters={"fixed": {"names": ("2", "3")} | {"size": (2, 3)}})


@pytest.mark.parametrize(
    ("name", "value"), [("rate", 2), ("size", [4, 5]), ("names", ["a"]), ("x", -1)]
)
def test_a_value_of_its_type_is_taken(tiny: Path, name: str, value: Any) -> None:
    assert manifest(tiny, parameters={"fixed": {name: value}}).points[0].parameters == {name: value}


def test_a_list_becomes_the_tuple_that_the_notebook_has(tiny: Path) -> None:
    document = Notebook.read(tiny).with_parameters({"size": [4, 5], "rate": 2})
    injected = document["cells"][1]
    assert injected["metadata"]["tags"] == ["injected-parameters"]
    assert injected["source"].splitlines()[1:] == ["size = (4, 5)", "rate = 2.0"]


def test_an_annotation_says_the_type_and_a_value_does_without_one() -> None:
    source = "a: float = 1\nb = 1\nc: 'int | None' = None\nd = None\ne: Literal['x', 'y'] = 'x'"
    found = declared_in(source)
    assert found["a"].taken(2) == 2.0
    assert found["c"].taken(None) is None
    assert found["d"].taken("anything") == "anything"
    for name, value in [("b", 1.5), ("c", "1"), ("e", "z")]:
        with pytest.raises(ValueError, match="expected"):
            found[name].taken(value)


def test_a_notebook_without_such_a_cell_takes_no_parameters(tmp_path: Path) -> None:
    bare = notebook(tmp_path / "bare.ipynb", "print(1)", parameters=None)
    with pytest.raises(SpecError, match="tag a cell `parameters`"):
        manifest(bare, parameters={"fixed": {"x": 1}})


def _with_metadata(path: Path, metadata: Any) -> Path:
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "metadata": metadata}))
    return path


@pytest.mark.parametrize("metadata", [{}, {"kernelspec": None}, {"kernelspec": {"name": ""}}])
def test_a_notebook_that_names_no_kernel_is_refused(tiny: Path, metadata: Any) -> None:
    _with_metadata(tiny, metadata)
    with pytest.raises(SpecError, match=r"kernel: .*tiny.ipynb names no kernel.*kernel: python3"):
        manifest(tiny)
    assert manifest(tiny, kernel="python3").points


def test_a_kernel_that_is_not_installed_is_refused(tiny: Path) -> None:
    _with_metadata(tiny, {"kernelspec": {"name": "pyhton3"}})
    with pytest.raises(SpecError, match=r"no kernel 'pyhton3'.*tiny.ipynb names it.*'python3'"):
        manifest(tiny)
    with pytest.raises(SpecError, match=r"no kernel 'none' is installed, and the plan names it"):
        manifest(tiny, kernel="none")
    assert manifest(tiny, kernel="python3").points


def test_what_is_no_notebook_says_so(tmp_path: Path) -> None:
    file = tmp_path / "a.ipynb"
    file.write_text("{}")
    with pytest.raises(SpecError, match=r"a\.ipynb: is no notebook of format 4"):
        manifest(file)


def test_outputs_do_not_change_what_a_notebook_is(tiny: Path) -> None:
    before = Notebook.read(tiny).hash
    document = json.loads(tiny.read_text())
    document["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    tiny.write_text(json.dumps(document))
    assert Notebook.read(tiny).hash == before


def test_a_pydantic_model_looks_at_each_point(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "sweep_checks.py").write_text(
        "from pydantic import BaseModel, Field\n"
        "class Checked(BaseModel):\n    x: int = Field(gt=1)\n"
    )
    with pytest.raises(SpecError, match=r"expected more than 1, not 1 \(point 0"):
        manifest(tiny, parameters={"grid": {"x": [1, 2]}}, model="sweep_checks:Checked")
