"""``mlbench doctor --observer``: the effect of the sampler below the findings."""

from __future__ import annotations

import json

import pytest

from mlbench.collocation.observer import Effect
from mlbench.machine.finding import Finding
from mlbench.stats import Interval

pytestmark = pytest.mark.unit

EFFECTS = [
    Effect(10, Interval(1.01, 0.99, 1.03), Interval(1.2, None, None)),
    Effect(100, Interval(1.05, 1.02, 1.08), None),
]


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    """Have the effect be a known one, and count how often it is measured."""
    asked = []

    def observer_effect(**_):
        asked.append(True)
        return EFFECTS

    monkeypatch.setattr("mlbench.collocation.observer.observer_effect", observer_effect)
    monkeypatch.setattr("mlbench.machine.doctor.diagnose", lambda *_: [])
    return asked


def test_the_slowdown_is_shown_with_its_interval(cli):
    shown = cli("doctor", "--observer").stdout

    assert "1.010 [0.990, 1.030]" in shown
    assert "1.200" in shown
    assert "100 Hz" in shown


def test_json_has_it_beside_the_findings(cli):
    document = json.loads(cli("doctor", "--observer", "--json").stdout)

    assert document["observer"] == [each.to_dict() for each in EFFECTS]
    assert document["observer"][1]["slowdown"]["slowest"] is None


def test_without_being_asked_nothing_is_measured(cli, measured):
    assert "observer" not in json.loads(cli("doctor", "--json").stdout)
    assert measured == []


def test_where_nothing_can_be_measured_it_is_not_tried(cli, measured, monkeypatch):
    unable = [Finding("pinning", "missing", "not allowed", "ask for it")]
    monkeypatch.setattr("mlbench.machine.doctor.diagnose", lambda *_: unable)

    assert cli("doctor", "--observer").exit_code == 1
    assert measured == []
