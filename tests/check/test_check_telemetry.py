"""The telemetry section of a spec: switches, rates, and the probes that it names."""

from __future__ import annotations

import pytest

from mlbench.check import problems
from mlbench.errors import SpecError
from mlbench.registry import names
from mlbench.spec import Benchmark, Document, Telemetry
from mlbench.spec.telemetry import BUILT_IN

pytestmark = pytest.mark.unit


def spec(telemetry: str) -> Benchmark:
    return Document.parse(f"name: t\ntelemetry: {telemetry}\n").benchmark()


def test_the_built_in_probes_run_by_default_and_are_registered() -> None:
    assert tuple(Benchmark(name="t").telemetry.chosen) == BUILT_IN
    assert set(BUILT_IN) <= set(names("probes"))


@pytest.mark.parametrize(("word", "enabled"), [("off", False), ("on", True), ("false", False)])
def test_it_is_switched_by_a_word(word: str, enabled: bool) -> None:
    assert spec(word).telemetry.enabled is enabled
    assert bool(spec(word).telemetry.chosen) is enabled


def test_a_probe_is_left_out_or_added_by_name() -> None:
    chosen = spec("{probes: {gpm: off, example: {n: 3}}}").telemetry.chosen
    assert list(chosen) == ["nvml", "process", "host", "rapl", "example"]
    assert chosen["example"] == {"n": 3}


@pytest.mark.parametrize("text", ["off", "{rates: {fast: 100}}", "{probes: {nvml: off}, idle: 0}"])
def test_yaml_and_python_say_the_same(text: str) -> None:
    bench = spec(text)
    assert Document.parse(bench.to_yaml()).benchmark() == bench


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("of", "telemetry: expected 'key: value' pairs, not 'of'"),
        ("{rates: {fst: 3}}", "did you mean 'fast'?"),
        ("{rates: {fast: 0}}", "telemetry.rates.fast: expected more than 0"),
        ("{rates: {slow: 1e9}}", "telemetry.rates.slow: expected at most 1000"),
        ("{idle: -1}", "telemetry.idle: expected at least 0"),
        ("{probes: {gpm: 5}}", "telemetry.probes.gpm: expected"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(SpecError) as raised:
        spec(text)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{probes: {nvmll: {}}}", "'nvmll' is no registered probe (did you mean 'nvml'?)"),
        ("{probes: {rapl: {n: 3}}}", "telemetry.probes.rapl.n: is not a key here"),
    ],
)
def test_a_probe_that_is_not_there_or_takes_no_such_option_is_named(
    text: str, message: str
) -> None:
    assert [message in str(problem) for problem in problems(spec(text))] == [True]


def test_what_is_switched_off_is_not_looked_for() -> None:
    assert problems(Benchmark(name="t", telemetry=Telemetry(enabled=False))) == []
