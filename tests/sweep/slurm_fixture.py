"""A real Slurm for the tests that need one: started once, idle and empty before each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "support" / "slurm"))

from cluster import Cluster, running, why_not

from mlbench.sweep.slurm import watch

__all__ = ["slurm", "slurm_cluster"]


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[Cluster]:
    """The cluster of the session."""
    if reason := why_not():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with running() as cluster:
        yield cluster
    assert cluster.processes() == []


@pytest.fixture
def slurm(
    slurm_cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Cluster]:
    """The cluster as every command of this test finds it."""
    monkeypatch.setenv("MLBENCH_LOCKS", str(tmp_path / "locks"))  # not those of other sweeps
    for name, value in slurm_cluster.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(watch, "ASK_S", (0.2, 1.0))  # nobody else needs this controller
    yield slurm_cluster
    slurm_cluster.tidy()
