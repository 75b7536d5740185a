"""Whether a pipeline that ran alone can be studied at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from collocate_support import bench

from mlbench.collocation.barren import barren
from mlbench.spec import Request
from mlbench.store.layout import REQUEST, write_json

pytestmark = pytest.mark.unit


def test_a_run_that_was_killed_before_it_named_its_pipelines_says_nothing(tmp_path: Path) -> None:
    """A second Ctrl-C kills an engine that has written nothing: there is no ``run.json``."""
    write_json(tmp_path / REQUEST, Request(bench=bench("ab"), only=("a",)).complete())
    assert barren(tmp_path) is None
