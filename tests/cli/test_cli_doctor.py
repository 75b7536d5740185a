"""``mlbench doctor``: the findings as a table, and whether one of them prevents measuring."""

from __future__ import annotations

import json

import pytest

from mlbench.machine.finding import Finding

pytestmark = pytest.mark.unit

NOISY = [
    Finding("machine", "ok", "a machine"),
    Finding("torch", "missing", "does not import", "pip install torch"),
    Finding("load by others", "warn", "[bold]busy", "top -o %CPU"),
]
UNABLE = [Finding("pinning", "missing", "not allowed", "ask for it")]


@pytest.fixture
def found(monkeypatch):
    """Have the machine look as a test says."""

    def look(findings):
        monkeypatch.setattr("mlbench.machine.doctor.diagnose", lambda *_: findings)

    return look


def test_findings_are_shown_with_what_to_type(cli, found):
    found(NOISY)

    result = cli("doctor")

    assert result.exit_code == 0
    assert "▸ pip install torch" in result.stdout
    assert "[bold]busy" in result.stdout


def test_what_prevents_measuring_at_all_is_a_failure(cli, found):
    found(UNABLE)

    assert cli("doctor").exit_code == 1


def test_json_has_every_finding(cli, found):
    found(NOISY)

    document = json.loads(cli("doctor", "--json").stdout)

    assert document["ok"] is True
    assert [each["subject"] for each in document["findings"]] == [f.subject for f in NOISY]


def test_out_is_where_the_disk_is_looked_at(cli, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("mlbench.machine.doctor.diagnose", lambda out: asked.append(out) or [])

    cli("doctor", "--out", tmp_path)

    assert asked == [tmp_path]
