"""Energy by counter and by integral, over values that were made up so that sums are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlbench.analysis.energy import Energy, energies, loaded_period
from mlbench.analysis.periods import Period
from mlbench.analysis.power_limits import Limits, beat_seconds, limits_of_run, power_limits
from mlbench.analysis.record import Record
from mlbench.records import SAMPLES, SPANS
from mlbench.spec import Benchmark
from mlbench.store.stream import schema_of

pytestmark = pytest.mark.unit

S = 1_000_000_000
POWER, COUNTER, OTHER = 0, 1, 2
METRICS = [
    {"name": "gpu_power_instant", "unit": "W", "kind": "level"},
    {"name": "gpu_energy", "unit": "J", "kind": "increase"},
    {"name": "gpu_busy", "unit": "%", "kind": "level"},
]

Power = Callable[[float], float]


def manifest(*devices: str, idle: tuple[float, float] | None = None) -> dict[str, Any]:
    quiet = None if idle is None else {"begin_ns": idle[0] * S, "end_ns": idle[1] * S}
    return {
        "metrics": METRICS,
        "devices": [{"name": name, "source": "stand-in"} for name in devices],
        "telemetry": {"idle": quiet},
    }


def table(rows: Sequence[tuple[float, float, int, int, float]]) -> pa.Table:
    """Samples: start and end in seconds, metric, device, value."""
    made = [
        {
            "start": round(start * S), "end": round(end * S), "metric": metric, "device": device,
            "pipeline": None, "pid": None, "value": value,
        }
        for start, end, metric, device, value in rows
    ]  # fmt: skip
    return pa.Table.from_pylist(made, schema=schema_of(SAMPLES))


def read(
    power: Power, seconds: float, device: int = 0, sensor_s: float = 0.1, window_s: float = 0.1
) -> list[tuple[float, float, int, int, float]]:
    """20 readings a second of a sensor that publishes the mean over a window, and a counter."""
    steps = np.arange(0, round(seconds * 20) + 1) / 20
    rows = []
    for before, now in pairwise(steps):
        published = int(now / sensor_s + 1e-9) * sensor_s
        shown = float(np.mean([power(t) for t in np.linspace(published - window_s, published, 50)]))
        used = float(np.mean([power(t) for t in np.linspace(before, now, 50)])) * (now - before)
        rows += [(now, now, POWER, device, shown), (before, now, COUNTER, device, used)]
    return rows


def one(rows: Sequence[Any], begin_s: float, end_s: float, **keys: Any) -> Energy:
    (found,) = energies(
        manifest("gpu0", **keys), table(rows), Period(round(begin_s * S), round(end_s * S))
    )
    return found


class TestEnergy:
    def test_of_constant_power_is_power_times_time_by_both(self) -> None:
        energy = one(read(lambda t: 200.0, 10), 1, 9)
        assert energy.counter_joules == pytest.approx(1600)
        assert energy.integral_joules == pytest.approx(1600)
        assert energy.disagreement == pytest.approx(0)
        assert energy.seconds == 8
        assert energy.note is None

    def test_of_a_step_is_the_sum_of_its_parts(self) -> None:
        energy = one(read(lambda t: 100.0 if t < 5 else 300.0, 10), 0.5, 9.5)
        assert energy.counter_joules == pytest.approx(100 * 4.5 + 300 * 4.5, rel=0.01)
        assert energy.integral_joules == pytest.approx(100 * 4.5 + 300 * 4.5, rel=0.02)

    def test_a_row_that_is_partly_inside_counts_in_proportion(self) -> None:
        rows = [(0, 1, COUNTER, 0, 10.0), (1, 2, COUNTER, 0, 20.0), (2, 3, COUNTER, 0, 40.0)]
        assert one(rows, 0.5, 2.25).counter_joules == pytest.approx(5 + 20 + 10)

    def test_that_a_sensor_does_not_see_makes_the_two_disagree(self) -> None:
        """A load in step with a sensor that sees the last quarter of each period."""

        def burst(t: float) -> float:
            return 400.0 if (t % 0.1) >= 0.075 else 100.0

        energy = one(read(burst, 10, window_s=0.025), 1, 9)
        assert energy.counter_joules == pytest.approx(8 * 175, rel=0.03)
        assert energy.integral_joules == pytest.approx(8 * 400, rel=0.03)
        assert energy.disagreement is not None
        assert energy.disagreement > 1
        assert "off the energy counter" in (energy.note or "")

    def test_of_idleness_is_a_row_of_its_own(self) -> None:
        energy = one(read(lambda t: 80.0 if t < 3 else 300.0, 10), 4, 9, idle=(1, 2.5))
        assert energy.idle_watts == pytest.approx(80)
        assert energy.idle_joules == pytest.approx(400)
        assert energy.counter_joules == pytest.approx(1500)

    def test_without_a_counter_is_the_integral_alone(self) -> None:
        rows = [row for row in read(lambda t: 50.0, 4) if row[2] == POWER]
        energy = one(rows, 1, 3, idle=(0.2, 0.8))
        assert (energy.counter_joules, energy.integral_joules) == (None, pytest.approx(100))
        assert energy.reasons["counter_joules"] == "it has no energy counter"
        assert energy.reasons["disagreement"] == "needs both"
        assert energy.idle_watts == pytest.approx(50)

    def test_that_samples_do_not_cover_is_null(self) -> None:
        energy = one(read(lambda t: 100.0, 5), 1, 9)
        assert (energy.counter_joules, energy.integral_joules) == (None, None)
        assert energy.reasons["integral_joules"] == "readings are missing in the period"

    def test_is_not_drawn_across_a_gap(self) -> None:
        rows = [
            row for row in read(lambda t: 100.0, 10) if not (row[2] == POWER and 3 < row[1] < 7)
        ]
        energy = one(rows, 1, 9)
        assert energy.integral_joules is None
        assert energy.counter_joules == pytest.approx(800)

    def test_is_told_of_every_device_that_has_any(self) -> None:
        rows = [
            *read(lambda t: 100.0, 4),
            *read(lambda t: 200.0, 4, device=2),
            (1, 1, OTHER, 1, 5.0),
        ]
        found = energies(manifest("gpu0", "cpu0", "gpu1"), table(rows), Period(1 * S, 3 * S))
        assert [(e.device, e.counter_joules) for e in found] == [
            ("gpu0", pytest.approx(200)),
            ("gpu1", pytest.approx(400)),
        ]
        assert found[0].source == "stand-in"

    def test_is_over_the_window_or_from_the_barrier_to_the_end_of_the_last_load(self) -> None:
        loads = {"a": {"load": {"end_ns": 7 * S}}, "b": {"load": {"end_ns": 9 * S}}}
        run = {"barrier_ns": 2 * S, "window": None, "pipelines": loads, "phases": []}
        assert loaded_period(run, latest_ns=20 * S) == Period(2 * S, 9 * S)
        window = {"begin_ns": 3 * S, "end_ns": 4 * S}
        assert loaded_period({**run, "window": window}, 20 * S) == Period(3 * S, 4 * S)
        going = {**run, "pipelines": {"a": {"load": {"end_ns": None}}}}
        assert loaded_period(going, 5 * S) == Period(2 * S, 5 * S)
        assert loaded_period({**run, "barrier_ns": None}, 20 * S) is None
        phases = [{"name": "load", "start_ns": 2 * S, "end_ns": 6 * S}]
        alone = {**run, "pipelines": {}, "phases": phases}
        assert loaded_period(alone, 20 * S) == Period(2 * S, 6 * S)

    def test_without_samples_there_is_none(self) -> None:
        assert energies(manifest("gpu0"), table([]), Period(0, S)) == []
        assert energies({}, table([]), Period(0, S)) == []

    def test_has_reasons_for_every_null(self) -> None:
        energy = one(read(lambda t: 100.0, 2), 1, 9)
        nulls = {
            name
            for name in ("counter_joules", "integral_joules", "disagreement", "idle_watts")
            if getattr(energy, name) is None
        }
        assert nulls <= set(energy.reasons)


# -- what a sensor cannot tell -----------------------------------------------------------


@pytest.mark.parametrize(
    ("period_s", "beat_s"),
    [
        (0.1, float("inf")),
        (0.101, 10.1),
        (0.05, float("inf")),  # every second turn, at the same place
        (0.2, float("inf")),  # two places in turn
        (0.3, float("inf")),
        (0.0501, 25.05),
    ],
)
def test_a_stage_in_step_with_the_sensor_has_a_long_beat(period_s: float, beat_s: float) -> None:
    assert beat_seconds(period_s, 0.1) == pytest.approx(beat_s)


@pytest.mark.parametrize("period_s", [0.0618, 0.0382, 0.1618])
def test_a_stage_out_of_step_is_soon_seen_in_all_its_parts(period_s: float) -> None:
    beat = beat_seconds(period_s, 0.1)
    assert beat is not None
    assert beat < 1.5


def test_a_stage_much_longer_than_the_sensor_has_no_beat() -> None:
    assert beat_seconds(1.0, 0.1) is None


def record_of(service_ms: float, starts_s: Sequence[float]) -> Record:
    rows = [
        {
            "span": n, "query": n, "branch": 0, "visit": 1, "parents": [], "stage": 0, "worker": 0,
            "ready": round(at * S), "start": round(at * S),
            "end": round(at * S + service_ms * 1e6), "outcome": 0,
        }
        for n, at in enumerate(starts_s)
    ]  # fmt: skip
    load = {"kind": "closed", "begin_ns": 0, "end_ns": round(starts_s[-1] * S) + 1}
    entry = {"stages": ["step", "data"], "load": load, "status": "done"}
    return Record(
        manifest={"status": "done", "pipelines": {"p": entry}},
        bench=Benchmark(name="b"),
        spans={"p": pa.Table.from_pylist(rows, schema=schema_of(SPANS))},
    )


def limits(service_ms: float, starts_s: Sequence[float]) -> Limits:
    (found,) = power_limits(record_of(service_ms, starts_s), "p", sensor_ms=100)
    return found


def test_a_stage_shorter_than_five_periods_is_not_measurable() -> None:
    short, long = limits(499, np.arange(20) * 1.0), limits(501, np.arange(20) * 1.0)
    assert not short.measurable
    assert "shorter than 5 periods of the power sensor, 100 ms each" in (short.reason or "")
    assert (long.measurable, long.reason) == (True, None)


def test_stages_of_a_run_are_held_against_the_sensor_of_their_gpu() -> None:
    record = record_of(60, np.arange(300) * 0.1002)
    devices = [{"name": "gpu0", "power_period_ms": 20.0}, {"name": "gpu1", "power_period_ms": 100}]
    assert limits_of_run(placed(record, "cpu", devices)) == []
    assert limits_of_run(placed(record, "cuda:2", devices)) == []
    ((pipeline, stage, device, sensor_ms, measurable, _, warning),) = limits_of_run(
        placed(record, "cuda:1", devices)
    )
    assert (pipeline, stage, device, sensor_ms) == ("p", "step", "gpu1", 100)
    assert not measurable
    assert warning is not None


def placed(record: Record, device: str, devices: Sequence[dict[str, Any]]) -> Record:
    """The same run with its pipeline on a device."""
    entry = {**record.pipeline("p"), "placement": {"device": device}}
    manifest = {**record.manifest, "devices": devices, "pipelines": {"p": entry}}
    return replace(record, manifest=manifest)


def test_a_stage_that_repeats_in_step_is_warned_of() -> None:
    told = limits(60, np.arange(300) * 0.1002).warning
    assert told is not None
    assert "repeats every 100.2 ms beside a power sensor of 100 ms" in told


def test_the_warning_says_how_much_of_the_time_the_sensor_sees() -> None:
    record = record_of(60, np.arange(300) * 0.1002)
    (found,) = power_limits(record, "p", sensor_ms=100, window_ms=25)
    assert (found.warning or "").endswith("of each 100 ms the sensor sees 25")


def test_a_stage_that_repeats_out_of_step_is_not() -> None:
    assert limits(60, np.arange(300) * 0.0618).warning is None


def test_a_stage_that_does_not_repeat_itself_is_not() -> None:
    gaps = np.random.default_rng(1).exponential(0.1, 300)
    assert limits(60, np.cumsum(gaps)).warning is None
