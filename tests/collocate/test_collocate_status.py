"""The exit status of several placements: a failure of one counts before what is INVALID."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from collocate_support import bench

from mlbench.cli import collocate, commands
from mlbench.cli.status import FAILED, INVALID
from mlbench.collocation.ledger import Ending, Ledger

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ({"one": "failed", "two": "done"}, FAILED),
        ({"one": "done", "two": "failed"}, FAILED),
        ({"one": "done", "two": "done"}, INVALID),
    ],
)
def test_a_placement_that_failed_counts_before_one_that_is_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: Mapping[str, Ending], status: int
) -> None:
    def made(ledgers: Mapping[str, Ledger], interrupts: object) -> None:
        for variant, ledger in ledgers.items():
            ledger.close(ends[variant])

    monkeypatch.setattr(collocate, "_make", made)
    path = tmp_path / "spec.yml"
    path.write_text(bench(placements={"one": {}, "two": {}}, repeats=1).to_yaml())
    result = CliRunner().invoke(commands, ["collocate", str(path), "--out", str(tmp_path / "runs")])
    assert result.exit_code == status, result.output
