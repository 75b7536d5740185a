"""A file in place of a spec: what it is told to be, and what is said of a spec that is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mlbench
from mlbench.check import check_file
from mlbench.errors import SpecError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("read", [check_file, mlbench.load])
def test_a_notebook_is_sent_to_a_sweep(read, tmp_path):
    path = tmp_path / "train.ipynb"
    path.write_text(json.dumps({"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}))
    with pytest.raises(SpecError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: is a notebook, not a spec (a plan with 'notebook: train.ipynb' executes it: "
        "mlbench sweep PLAN)"
    )


@pytest.mark.parametrize("read", [check_file, mlbench.load])
@pytest.mark.parametrize("target", ["notebook: train.ipynb", "spec: rag.yml"])
def test_a_plan_is_sent_to_a_sweep(read, target, tmp_path):
    path = tmp_path / "plan.yml"
    path.write_text(f"{target}\nparameters: {{grid: {{cpus: [1, 2]}}}}\n")
    with pytest.raises(SpecError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: is the plan of a sweep, not a spec (mlbench sweep {path})"
    )


def test_a_file_that_is_not_there_is_what_it_is(tmp_path):
    with pytest.raises(SpecError, match=r"none\.ipynb: cannot be read: No such file") as caught:
        mlbench.load(tmp_path / "none.ipynb")
    assert "mlbench check" not in str(caught.value)


SPEC = """
name: x
pipelines:
  p:
    data: {uses: synthetic.items}
    load: {LOAD}
    stages: {s: {uses: STAGE}}
"""


def told(path: Path, load: str = "closed: {}", stage: str = "synthetic.noop", *edits: str):
    path.write_text(SPEC.replace("LOAD", load).replace("STAGE", stage))
    try:
        _, found = check_file(path, edits)
    except SpecError as error:
        found = error.problems
    return [str(problem).removeprefix(str(path)) for problem in found]


def test_a_module_beside_the_spec_is_told_with_its_colon(tmp_path: Path):
    (tmp_path / "my_stages.py").write_text("")
    (found,) = told(tmp_path / "spec.yml", stage="my_stages.entropy")
    assert found.endswith("(did you mean 'my_stages:entropy'?)")


def test_a_load_without_the_name_of_its_option_is_told_with_an_example(tmp_path: Path):
    assert told(tmp_path / "spec.yml", load="poisson: 5") == [
        ":6:5: pipelines.p.load: expected the options of 'poisson' as 'key: value' pairs "
        "(such as load: {poisson: {rate: 10}})"
    ]


def test_a_tab_is_told_to_be_spaces(tmp_path: Path):
    path = tmp_path / "spec.yml"
    path.write_text("pipelines:\n\tp: {}\n")
    with pytest.raises(SpecError, match="indent with spaces, not with tabs"):
        check_file(path)


def test_a_mistake_of_an_edit_is_told_at_the_edit(tmp_path: Path):
    edit = "pipelines.p.load.closed.concurency=4"
    assert told(tmp_path / "spec.yml", "closed: {}", "synthetic.noop", edit) == [
        f"--set {edit}: pipelines.p.load.closed.concurency: is not a key here "
        "(did you mean 'concurrency'?)"
    ]


def test_a_share_of_the_capacity_needs_a_study(tmp_path: Path):
    path = tmp_path / "spec.yml"
    (found,) = told(path, load="poisson: {utilisation: 0.5}")
    assert "needs a study" in found
    assert check_file(path, in_study=True)[1] == []


WRONG = """
name: x
sed: 7
pipelines:
  p:
    data: {uses: synthetic.itms}
    load: {poison: {rate: 1}}
    stages: {s: {uses: synthetic.noop}}
"""


def test_what_a_spec_is_read_by_says_who_names_the_rest(tmp_path: Path):
    path = tmp_path / "spec.yml"
    path.write_text(WRONG)
    with pytest.raises(SpecError) as caught:
        mlbench.load(path)
    assert [problem.key for problem in caught.value.problems] == ["sed"]
    assert str(caught.value).splitlines() == [
        f"{path}:3:1: sed: is not a key here (did you mean 'seed'?)",
        f"`mlbench check {path}` names all mistakes, in names, options and edges too",
    ]
    with pytest.raises(SpecError) as caught:
        check_file(path)
    assert [problem.path[-1] for problem in caught.value.problems] == ["sed", "uses", "poison"]
