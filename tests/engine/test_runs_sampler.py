"""Runs with a sampler: what it records, and that a run does not depend on it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from runs_support import (
    bench,
    ended,
    eventually,
    going,
    pipeline,
    process_of,
    processes_of,
    sleep,
    using,
    wait_for_rows,
)

from mlbench.run import Run
from mlbench.spec import Window

sys.path.append(str(Path(__file__).parents[1] / "support" / "nvml"))

from stand_in import StandIn, replay, why_not

QUICK = {"rates": {"fast": 50, "medium": 50, "slow": 20, "rare": 10}, "idle": 0.3}
SPIN = using("synthetic.spin", {"seconds": 0.01})


def mean_of(samples: pd.DataFrame, metric: str, **where: str) -> float:
    return float(select(samples, metric, **where)["value"].mean())


def select(samples: pd.DataFrame, metric: str, **where: str) -> pd.DataFrame:
    """The rows of one metric, and of one device or pipeline if that is named."""
    rows: pd.DataFrame = samples[samples["metric"] == metric]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows


def metric_of(run: Run, name: str) -> dict[str, Any]:
    """What the manifest says of a metric."""
    (found,) = (metric for metric in run.manifest["metrics"] if metric["name"] == name)
    return dict(found)


# -- a machine without a GPU -------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two pipelines: one computes, the other has processes of its own compute."""
    child = using("runs_probes:spin_in_a_child", {"seconds": 0.3})
    pipelines = {"busy": pipeline(SPIN), "child": pipeline(child), "idle": pipeline(sleep(0.05))}
    probes = {"runs_probes:Counts": {}}
    what = bench(pipelines, stop={"seconds": 2}, telemetry={**QUICK, "probes": probes})
    return ended(what, tmp_path_factory.mktemp("runs"))


class TestARun:
    def test_has_processor_time_by_pipeline_with_that_of_its_children(self, plain: Run) -> None:
        samples = plain.samples()
        used = samples[samples["metric"] == "cpu_time"].groupby("pipeline", observed=True)["value"]
        total = used.sum()
        assert set(total.index) == {"busy", "child", "idle"}
        assert total["busy"] > total["idle"]
        assert total["child"] > total["idle"]
        assert (used.min() >= 0).all()

    def test_has_memory_by_pipeline(self, plain: Run) -> None:
        samples = plain.samples()
        for name in ("busy", "child", "idle"):
            assert 5e6 < mean_of(samples, "memory_rss", pipeline=name) < 5e9
            assert 0 < mean_of(samples, "memory_pss", pipeline=name) < 5e9
        assert select(samples, "processes", pipeline="child")["value"].max() == 2
        assert select(samples, "processes", pipeline="busy")["value"].max() == 1

    def test_has_memory_and_processors_of_the_machine(self, plain: Run) -> None:
        samples = plain.samples()
        assert mean_of(samples, "host_memory_used") > 0
        devices = set(select(samples, "host_cpu_busy")["device"])
        assert devices == {d["name"] for d in plain.manifest["devices"] if d["kind"] == "cpu"}
        assert select(samples, "host_cpu_busy")["value"].between(0, 100).all()

    def test_has_pressure_or_says_how_to_get_it(self, plain: Run) -> None:
        reason = metric_of(plain, "host_pressure_cpu")["null_reasons"].get("")
        rows = select(plain.samples(), "host_pressure_cpu")
        assert rows["value"].between(0, 100).all()
        assert (len(rows) > 0) == (reason is None)

    def test_has_its_samples_in_the_clock_of_the_run(self, plain: Run) -> None:
        samples, phases = plain.samples(), plain.manifest["phases"]
        assert (samples["start"] <= samples["end"]).all()
        assert samples["start"].min() > phases[0]["start_ns"]
        assert samples["end"].max() < phases[-1]["end_ns"]
        increases = samples[samples["kind"] == "increase"]
        assert (increases["start"] < increases["end"]).all()

    def test_says_of_every_metric_what_it_is_and_why_it_is_missing(self, plain: Run) -> None:
        seen = set(plain.samples()["metric"])
        for metric in plain.manifest["metrics"]:
            assert metric["unit"]
            assert metric["source"]
            if metric["name"] not in seen:
                assert metric["null_reasons"], metric["name"]

    def test_reads_what_a_plugin_brings(self, plain: Run) -> None:
        rows = select(plain.samples(), "readings")
        assert list(rows["value"]) == list(range(1, len(rows) + 1))
        assert metric_of(plain, "readings")["probe"] == "runs_probes:Counts"
        assert metric_of(plain, "never")["null_reasons"] == {"": "there is none of it"}

    def test_has_what_the_sampler_used_and_missed_in_the_manifest(self, plain: Run) -> None:
        told = plain.manifest["harness"]["sampler"]
        assert 0 < told["cpu_ns"] < told["wall_ns"]
        assert told["readings"] == len(plain.samples())
        assert told["ticks"] > 0
        assert told["missed"] >= 0
        assert told["late_p99_ns"] > 0
        assert set(told["probes"]) >= {"process", "host", "nvml"}
        assert plain.manifest["telemetry"]["status"] == "ended"

    def test_is_not_judged_by_it(self, plain: Run) -> None:
        assert plain.status == "done"
        assert plain.summary()["verdict"] == "VALID"


def test_a_live_run_has_its_samples_and_their_names(tmp_path: Path) -> None:
    what = bench({"a": pipeline(sleep(0.01))}, stop={"seconds": 20}, telemetry=QUICK)
    with going(what, tmp_path) as run:
        wait_for_rows(run, "samples", 20)
        eventually(lambda: len(select(run.samples(), "cpu_time", pipeline="a")))
        run.stop()


def test_without_telemetry_there_is_no_sampler(tmp_path: Path) -> None:
    run = ended(bench({"a": pipeline()}, telemetry="off"), tmp_path)
    assert len(run.samples()) == 0
    assert "sampler" not in run.manifest["harness"]
    assert run.manifest["telemetry"]["status"] == "off"


def test_a_machine_alone_is_recorded(tmp_path: Path) -> None:
    run = ended(bench({}, stop={"seconds": 0.5}, telemetry=QUICK), tmp_path)
    assert run.status == "done"
    assert set(run.samples()["metric"]) >= {"host_cpu_busy", "host_memory_used"}


def test_only_the_pipelines_that_run_have_samples(tmp_path: Path) -> None:
    pipelines = {"a": pipeline(SPIN), "b": pipeline(SPIN), "c": pipeline(SPIN)}
    window = Window(settle=0.1, seconds=0.5)
    run = ended(bench(pipelines, telemetry=QUICK), tmp_path, only=["c", "b"], window=window)
    assert set(run.samples()["pipeline"].dropna()) == {"b", "c"}


# -- a sampler that does not work --------------------------------------------------------


def assert_done(run: Run) -> None:
    """The run is as if nothing had happened."""
    assert run.status == "done", run.manifest["reasons"]
    assert run.summary()["verdict"] == "VALID"
    assert not processes_of(run)


def test_a_sampler_that_is_killed_ends_the_samples_and_nothing_else(tmp_path: Path) -> None:
    what = bench({"a": pipeline(sleep(0.01))}, stop={"seconds": 1.5}, telemetry=QUICK)
    with going(what, tmp_path) as run:
        wait_for_rows(run, "samples", 10)
        os.kill(process_of(run, "sampler"), signal.SIGKILL)
    assert_done(run)
    telemetry = run.manifest["telemetry"]
    assert telemetry["status"] == "failed"
    assert "killed by SIGKILL" in telemetry["notes"][-1]
    assert len(run.samples()) >= 10


def test_a_sampler_that_stands_still_does_not_hold_up_the_end(tmp_path: Path) -> None:
    what = bench({"a": pipeline(sleep(0.01))}, stop={"seconds": 1}, telemetry=QUICK)
    begin = time.monotonic()
    with going(what, tmp_path) as run:
        wait_for_rows(run, "samples", 10)
        os.kill(process_of(run, "sampler"), signal.SIGSTOP)
    assert time.monotonic() - begin < 20
    assert_done(run)
    assert run.manifest["telemetry"]["status"] == "failed"


def test_a_probe_that_breaks_ends_its_own_metrics(tmp_path: Path) -> None:
    probes = {
        "runs_probes:Counts": {"raises_at": 3},
        "runs_probes:Refuses": {},
        "runs_probes:Copies": {},
    }
    run = ended(bench({"a": pipeline()}, telemetry={**QUICK, "probes": probes}), tmp_path)
    assert_done(run)
    told = run.manifest["telemetry"]["probes"]
    assert told["runs_probes:Counts"] == {"status": "failed", "reason": "RuntimeError: it broke"}
    assert told["runs_probes:Refuses"]["reason"] == "PermissionError: not for you"
    assert "'cpu_time' is one of the probe 'process', too" in told["runs_probes:Copies"]["reason"]
    assert told["process"]["status"] == "closed"
    samples = run.samples()
    assert len(select(samples, "readings")) == 2
    assert len(select(samples, "cpu_time"))
    assert "it broke" in metric_of(run, "readings")["null_reasons"][""]


# -- over the stand-in for NVIDIA's library ----------------------------------------------


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    if reason := why_not():
        pytest.skip(reason)
    return StandIn(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def gpus(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the engines of this test the GPUs of a script."""

    def use(script: str) -> None:
        for name, value in stand_in.environment(script).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return use


CPU = {"place": {"device": "cpu"}}
"""The stand-in runs no kernel."""


@pytest.fixture(scope="module")
def lost(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two pipelines hold memory of a GPU, and another one falls off the bus after a second."""
    script = """
    sensor 0.02
    gpus 2
    gpu * power=80
    fault nvmlDeviceGetTemperatureV gpu=1 code=15 after=20 in=mlbench:sampler
    process 0 name=mlbench:one memory=3e9 sm=40
    process 0 name=mlbench:two memory=1e9 sm=20
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stand_in.environment(script).items():
            patch.setenv(name, value)
        pipelines = {name: pipeline(sleep(0.01), **CPU) for name in ("one", "two")}
        what = bench(pipelines, stop={"seconds": 30}, telemetry=QUICK)
        with going(what, tmp_path_factory.mktemp("runs")) as run:
            eventually(lambda: any(d["lost_ns"] for d in run.manifest.get("devices", ())))
            time.sleep(0.3)  # what is read after it
            run.stop()
    return run


class TestGpus:
    def test_one_that_is_lost_ends_its_own_columns(self, lost: Run) -> None:
        samples = lost.samples()
        kept, gone = (select(samples, "gpu_power_instant", device=f"gpu{n}") for n in (0, 1))
        assert len(gone) > 0
        assert gone["end"].max() < kept["end"].max()
        (device,) = (d for d in lost.manifest["devices"] if d["name"] == "gpu1")
        assert (device["reason"], device["lost_ns"] > 0) == ("GPU is lost", True)

    def test_one_that_is_lost_marks_the_run(self, lost: Run) -> None:
        notes = lost.manifest["telemetry"]["notes"]
        assert notes == ["gpu1 was lost: GPU is lost; its samples end there"]
        assert lost.manifest["reasons"] == ["asked to stop"]

    def test_processes_on_them_belong_to_pipelines(self, lost: Run) -> None:
        samples = lost.samples()
        for name, memory, share in (("one", 3e9, 40), ("two", 1e9, 20)):
            assert mean_of(samples, "gpu_process_memory", pipeline=name) == memory
            assert mean_of(samples, "gpu_process_sm", pipeline=name) == share
            assert set(select(samples, "gpu_process_sm", pipeline=name)["pid"]) == {
                lost.manifest["pipelines"][name]["pid"]
            }

    def test_are_looked_at_while_idle_before_the_barrier(self, lost: Run) -> None:
        idle, barrier_ns = lost.manifest["telemetry"]["idle"], lost.manifest["barrier_ns"]
        assert idle["end_ns"] - idle["begin_ns"] >= 0.3e9
        assert idle["end_ns"] <= barrier_ns
        power = select(lost.samples(), "gpu_power_instant", device="gpu0")
        assert power["end"].between(idle["begin_ns"], idle["end_ns"]).sum() >= 5

    def test_of_a_stand_in_say_so(self, lost: Run) -> None:
        samples = lost.samples()
        assert set(select(samples, "gpu_power_instant")["source"]) == {"stand-in"}
        assert {d["source"] for d in lost.manifest["devices"] if d["kind"] == "gpu"} == {"stand-in"}

    def test_play_a_recording_again(self, lost: Run, gpus: Any, tmp_path: Path) -> None:
        gpus(replay(lost.samples()))
        again = ended(bench({}, stop={"seconds": 0.5}, telemetry={**QUICK, "idle": 0}), tmp_path)
        assert mean_of(again.samples(), "gpu_power_instant", device="gpu1") == 80


@pytest.mark.parametrize(
    "hang",
    [
        "fault nvmlInitWithFlags code=hang in=mlbench:sampler",
        "fault nvmlDeviceGetMemoryInfo code=hang after=30 in=mlbench:sampler",
    ],
    ids=["at the start", "later"],
)
def test_a_driver_that_hangs_ends_its_own_samples(gpus: Any, tmp_path: Path, hang: str) -> None:
    gpus(f"sensor 0.02\n{hang}\n")
    pipelines = {"a": pipeline(sleep(0.01), **CPU)}
    timeouts = {"probe": 0.5}
    what = bench(pipelines, stop={"seconds": 2}, telemetry=QUICK, timeouts=timeouts)
    run = ended(what, tmp_path)
    assert_done(run)
    telemetry = run.manifest["telemetry"]
    assert telemetry["probes"]["nvml"]["status"] == "hung"
    assert telemetry["probes"]["process"]["status"] == "closed"
    assert any("the probe nvml hung" in note for note in telemetry["notes"])
    samples, barrier_ns = run.samples(), run.manifest["barrier_ns"]
    assert select(samples, "cpu_time", pipeline="a")["end"].max() > barrier_ns + 1_500_000_000
    memory = select(samples, "gpu_memory_used")["end"]
    assert memory.empty or memory.max() < barrier_ns + 1_500_000_000
