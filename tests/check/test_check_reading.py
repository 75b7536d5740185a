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
