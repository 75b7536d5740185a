"""The examples in the docstrings do what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import mlbench
from mlbench.run import start
from mlbench.spec import Benchmark

PACKAGE = Path(mlbench.__file__).parent
READS_A_RUN = "mlbench.run"


def modules_with_examples() -> list[str]:
    """The names of the modules whose text has a ``>>>``."""
    paths = (path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text())
    relative = (path.relative_to(PACKAGE.parent).with_suffix("") for path in paths)
    return [".".join(path.parts).removesuffix(".__init__") for path in relative]


def failures(module: str) -> int:
    """How many examples of a module say something else; what they said is on standard output."""
    return doctest.testmod(import_module(module), optionflags=doctest.ELLIPSIS).failed


@pytest.mark.unit
@pytest.mark.parametrize("module", [m for m in modules_with_examples() if m != READS_A_RUN])
def test_examples_hold(module: str) -> None:
    assert failures(module) == 0


def test_examples_that_read_a_run_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = {"first": {"uses": "synthetic.noop", "to": "then"}, "then": {"uses": "synthetic.noop"}}
    pipeline = {"data": {"uses": "synthetic.items"}, "stages": stages, "stop": {"queries": 3}}
    run = start(Benchmark.model_validate({"name": "b", "pipelines": {"chain": pipeline}}), tmp_path)
    run.wait(60)
    (tmp_path / "tests/recorded").mkdir(parents=True)
    run.path.rename(tmp_path / "tests/recorded/chain")
    monkeypatch.chdir(tmp_path)
    assert failures(READS_A_RUN) == 0
