"""The whole diagnosis on this machine, with a torch that is not imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlbench.machine.doctor import diagnose
from mlbench.machine.torch_build import TorchBuild


def test_it_covers_every_subject(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mlbench.machine.doctor.read_torch", lambda: TorchBuild("2.13.0"))
    findings = diagnose(tmp_path / "runs", seconds=0)
    subjects = [finding.subject for finding in findings]
    assert subjects[0] == "machine"
    assert {"frequency", "load by others", "torch", "extra vision", "disk"} <= set(subjects)
    assert all(finding.text and not finding.text.endswith(".") for finding in findings)
