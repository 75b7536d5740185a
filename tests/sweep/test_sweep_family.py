"""Thousands of points of one spec: checked by what they change, and as well as one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sweep_support import manifest, plan

import mlbench.sweep.spec_target as target
from mlbench.errors import SpecError
from mlbench.spec import Document
from mlbench.spec.request import spec_hash
from mlbench.sweep.family import Family, loose
from mlbench.sweep.layout import SweepManifest, read_plan
from mlbench.sweep.planning import begin

pytestmark = pytest.mark.unit

SPEC = """\
name: three
seed: 7
study: {seconds: 0.5, settle: 0, cooldown: 0}
stop: {queries: 5}
telemetry: {probes: {rapl: off}}
pipelines:
  choosing:
    data: {uses: synthetic.items, with: {n: 10}}
    load: {poisson: {rate: 2}}
    place: {device: cpu, cpus: [0], threads: 1}
    stages:
      choose:
        uses: synthetic.route
        with: {cycle: [left, right]}
        to: {left: wait, right: end}
      wait: {uses: synthetic.sleep, with: {seconds: 0.01}, to: end}
      end: {uses: synthetic.noop}
  steady:
    data: {uses: synthetic.items}
    load: {closed: {concurrency: 1}}
    place: {device: cpu, cpus: [0]}
    stages: {wait: {uses: synthetic.sleep, with: {seconds: 0.01}}}
  shared:
    data: {uses: synthetic.items}
    load: {poisson: {utilisation: 0.5}}
    stages: {wait: {uses: synthetic.sleep, with: {seconds: 0.01}}}
"""

ROUTES = "pipelines.choosing.stages.choose.with.cycle"
RATE = "pipelines.choosing.load.poisson.rate"
FLIGHT = "pipelines.steady.load.closed.concurrency"
SECONDS = "pipelines.steady.stages.wait.with.seconds"
ITEMS = "pipelines.choosing.data.with.n"
SHARE = "pipelines.shared.load.poisson.utilisation"
CPUS = "pipelines.choosing.place.cpus"
USES = "pipelines.steady.stages.wait.uses"

RIGHT: dict[str, list[Any]] = {
    "seed": [1, 2, 3],
    "stop.queries": [10, 20, 30],
    ROUTES: [["left", "right"], ["right", "left"], ["left", "left", "right"]],
    RATE: [1, 2.5, 1e-3],
    SECONDS: [0, 0.02, 1],
    ITEMS: [5, 6, 7],
    SHARE: [0.2, 0.4, 0.6],
    CPUS: [[0]],
    "study.seconds": [1, 2],
    FLIGHT: [1],
    "stop.min_queries": [1, 2],
    USES: ["synthetic.sleep"],
}
WRONG: list[tuple[str, Any, str]] = [
    ("seed", -1, "seed: expected at least 0, not -1"),
    ("seed", "x", "seed: expected a whole number"),
    ("stop.queries", 0, "stop.queries: expected at least 1"),
    ("stop.min_queries", 50, r"50 is above queries"),
    (ROUTES, ["left"], "'right'"),
    (ROUTES, ["left", "right", "up"], "the output 'up' of 'synthetic.route' leads nowhere"),
    (ROUTES, "left", "cycle: expected a list"),
    (RATE, 0, "rate: expected at least 1e-06"),
    (FLIGHT, 2, "serial execution has one query in flight, not 2"),
    (SECONDS, "long", "seconds: expected a number, not 'long'"),
    (SECONDS, -1, "seconds: "),
    (ITEMS, 0, "n: "),
    (SHARE, 0, "expected more than 0 and at most 10"),
    (CPUS, [9999], "may not use processor 9999"),
    (USES, "synthetic.slep", "did you mean 'synthetic.sleep'?"),
]


@pytest.fixture
def three(tmp_path: Path) -> Path:
    path = tmp_path / "three.yml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have every point checked as a whole from now on."""
    return lambda: monkeypatch.setattr(target, "loose", lambda names: {})


# -- nothing gets through ----------------------------------------------------------------


@pytest.mark.parametrize("make", ["study", "run"])
@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_one_wrong_value_among_right_ones_is_refused(
    three: Path, make: str, path: str, value: Any, message: str
) -> None:
    if make == "run":  # a share of a capacity needs a study
        three.write_text(SPEC.replace("utilisation: 0.5", "rate: 1"))
        if path == SHARE:
            return
    with pytest.raises(SpecError, match=message):
        manifest(three, make=make, parameters={"grid": {path: [*RIGHT[path], value]}})


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_it_is_told_as_if_each_were_checked_by_itself(
    three: Path, one_by_one: Callable[[], None], path: str, value: Any, message: str
) -> None:
    grid = {path: [*RIGHT[path], value], "study.seconds": [1, 2]}
    with pytest.raises(SpecError) as quick:
        manifest(three, parameters={"grid": grid})
    one_by_one()
    with pytest.raises(SpecError) as slow:
        manifest(three, parameters={"grid": grid})
    assert str(quick.value) == str(slow.value)


def test_values_that_are_right_one_by_one_are_wrong_together(three: Path) -> None:
    options = "pipelines.choosing.stages.choose.with"
    three.write_text(SPEC.replace("with: {cycle: [left, right]}", "with: {weights: {left: 1}}"))
    parameters = {
        "points": [
            {f"{options}.weights": {"left": 1, "right": 1}, f"{options}.cycle": []},
            {f"{options}.weights": {}, f"{options}.cycle": ["left", "right"]},
            {f"{options}.weights": {"left": 1, "right": 1}, f"{options}.cycle": ["left", "right"]},
        ]
    }
    with pytest.raises(SpecError, match="expected either weights"):
        manifest(three, parameters=parameters)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "expected a finite number"),
        ([1, float("inf")], "expected a finite number"),
        (10**60, "cannot be set in YAML"),
        ("a\x7fb", "cannot be set in YAML"),
        (object(), "expected text, numbers, lists"),
    ],
)
def test_a_value_that_no_spec_can_have_is_refused(three: Path, value: Any, message: str) -> None:
    with pytest.raises(SpecError, match=rf"parameters.grid.{SECONDS}.1: .*{message}"):
        manifest(three, parameters={"grid": {SECONDS: [0.1, value]}})


def test_thousands_of_wrong_points_are_left_alone_after_some(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = _counted(monkeypatch, "_edited")
    with pytest.raises(SpecError, match="expected a number"):
        manifest(three, parameters={"grid": {SECONDS: ["long"] * 1000}})
    assert len(looked) == target.MOST_WRONG


# -- and what gets through is the same ---------------------------------------------------


def _points(found: SweepManifest) -> list[dict[str, Any]]:
    return [point.model_dump() for point in found.points]


def test_points_are_those_that_one_by_one_come_out(
    three: Path, one_by_one: Callable[[], None]
) -> None:
    parameters = {"zip": {path: (each * 3)[:3] for path, each in RIGHT.items()}}
    quick = _points(manifest(three, parameters=parameters, repeats=2))
    one_by_one()
    assert quick == _points(manifest(three, parameters=parameters, repeats=2))
    assert len({point["identity"] for point in quick}) == 6


def test_a_spec_of_a_family_has_the_seed_and_the_hash_of_the_spec_itself() -> None:
    document = Document.parse(SPEC)
    values = {"seed": 9, "stop.queries": 12, RATE: 3, SECONDS: 0.5, ROUTES: ["right", "left"]}
    member = Family(document.data, document.benchmark(), loose(values)).member(values)
    bench = target.bench_of(document, values)
    assert member is not None
    assert (member.seed, member.hash) == (9, spec_hash(bench))


def test_text_of_any_script_and_lists_are_set_as_they_are(three: Path) -> None:
    three.write_text(SPEC.replace("name: three", "name: three\ndescription: Größe 🙂"))
    options = {"pipelines.choosing.stages.choose.with": {"weights": {"left": 1.5, "right": 2}}}
    values = {**options, "description": "ü 🙂 \n\\"}
    (point,) = manifest(three, parameters={"fixed": values}).points
    bench = target.bench_of(Document.read(three), point.parameters)
    assert bench.description == values["description"]
    assert bench.pipelines["choosing"].stages["choose"].with_ == next(iter(options.values()))


# -- and it costs no whole check ---------------------------------------------------------


def _counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[object]:
    calls: list[object] = []
    function = getattr(target, name)

    def counted(*arguments: object) -> object:
        calls.append(arguments)
        return function(*arguments)

    monkeypatch.setattr(target, name, counted)
    return calls


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("seed", range(50)),
        ("stop.queries", range(1, 51)),
        (SECONDS, [number / 1000 for number in range(50)]),
        (ITEMS, range(1, 51)),
        (RATE, [1 + number / 1000 for number in range(50)]),
    ],
)
def test_points_that_differ_in_a_loose_parameter_share_one_whole_check(
    three: Path, monkeypatch: pytest.MonkeyPatch, path: str, values: Any
) -> None:
    checks, edits = _counted(monkeypatch, "mistakes"), _counted(monkeypatch, "_edited")
    found = manifest(three, parameters={"grid": {path: list(values), "study.seconds": [1, 2]}})
    assert len(found.points) == 100
    assert (len(checks), len(edits)) == (2, 2)


def test_a_study_that_turns_a_dial_is_checked_point_by_point(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dial = "{pipeline: steady, dial: seconds, levels: [0.1, 0.2]}"
    three.write_text(SPEC.replace("cooldown: 0}", f"cooldown: 0, against: {dial}}}"))
    checks = _counted(monkeypatch, "mistakes")
    manifest(three, parameters={"grid": {SECONDS: [0.1, 0.2, 0.3]}})
    assert len(checks) == 3


def test_a_parameter_that_another_leads_through_is_not_loose() -> None:
    assert list(loose(["stop", "stop.queries", "seed"])) == ["seed"]
    assert list(loose([f"{SECONDS}", "pipelines.steady.stages.wait.with"])) == []
    assert list(loose(["pipelines.a.data.with.names.0", "study.seconds", SHARE, CPUS])) == []


def test_a_plan_is_written_as_it_is_read(three: Path, tmp_path: Path) -> None:
    made = plan(three, parameters={"grid": {ROUTES: [["left", "right"]], "seed": [2**62]}})
    directory = begin(made, tmp_path / "runs")
    (point,) = read_plan(directory).points
    assert point.parameters == {ROUTES: ["left", "right"], "seed": 2**62}
    assert json.loads((directory / "plan.json").read_text())["title"] == "three"
