"""Attribution of runs as they are recorded: on processors, and on GPUs of a stand-in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlbench.figures import energy as energy_figure
from mlbench.run import Run, start
from mlbench.spec import Benchmark

sys.path.append(str(Path(__file__).parents[1] / "support" / "nvml"))

from stand_in import StandIn, why_not

RATES = {"fast": 50, "medium": 20, "slow": 20, "rare": 10}


def recorded(
    pipelines: dict[str, list[Any]], out: Path, seconds: float, idle_s: float = 0.5
) -> Run:
    """A run of chains, each stage ``(name, uses, seconds)``."""
    described = {}
    for name, chain in pipelines.items():
        stages: dict[str, Any] = {}
        for index, (stage, uses, each) in enumerate(chain):
            stages[stage] = {"uses": uses, "with": {"seconds": each}}
            if index + 1 < len(chain):
                stages[stage]["to"] = chain[index + 1][0]
        place, data = {"device": "cpu"}, {"uses": "synthetic.items"}
        described[name] = {"data": data, "place": place, "stages": stages}
    telemetry = {"rates": RATES, "idle": idle_s}
    spec = {"name": "attributed", "stop": {"seconds": seconds}, "telemetry": telemetry}
    run = start(Benchmark.model_validate({**spec, "pipelines": described}), out).wait(60)
    assert run.status == "done"
    return run


def assert_adds_up(frame: pd.DataFrame) -> None:
    """Idle, pipelines and others of each model are all that was measured."""
    frame = frame.assign(device=frame["device"].fillna(""))
    keys = ["resource", "device", "model"]
    idle = frame[frame["part"] == "idle"].groupby(keys)["share"].sum()
    split = frame[frame["part"].isin(["pipeline", "others"]) & frame["share"].notna()]
    assert len(split)
    for key, rows in split.groupby(keys):
        assert rows["share"].sum() + idle.get(key, 0.0) == pytest.approx(1)
    assert frame.loc[frame["value"].isna(), "reason"].notna().all()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    chain = [("compute", "synthetic.spin", 0.2), ("wait", "synthetic.sleep", 0.2)]
    pipelines = {"two": chain, "quick": [("spin", "synthetic.spin", 0.002)]}
    return recorded(pipelines, tmp_path_factory.mktemp("runs"), 3)


class TestOnProcessors:
    def test_it_adds_up(self, plain: Run) -> None:
        assert_adds_up(plain.attribution())

    def test_a_stage_that_waits_has_less_by_overlap_than_by_service_time(self, plain: Run) -> None:
        frame = plain.attribution()
        wait = frame[frame["stage"] == "wait"].set_index(["resource", "model"])["value"]
        assert wait["cpu_s", "overlap"] < wait["cpu_s", "service_time"]

    def test_processor_time_is_that_of_the_samples(self, plain: Run) -> None:
        frame, samples = plain.attribution(), plain.samples()
        rows = frame[(frame["resource"] == "cpu_s") & (frame["part"] == "pipeline")]
        for name, value in rows[rows["model"] == "overlap"].set_index("pipeline")["value"].items():
            mine = samples[(samples["metric"] == "cpu_time") & (samples["pipeline"] == name)]
            assert 0 < value <= mine["value"].sum() + 1e-9

    def test_energy_that_nobody_counts_has_its_reason(self, plain: Run) -> None:
        energy = plain.attribution().query("resource == 'energy_j'")
        assert energy["value"].notna().any() or energy["reason"].notna().all()


class TestOverAStandIn:
    """A GPU that draws 300 W, idle or not, with two tenants: what is idle is not asked for."""

    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
        if reason := why_not():
            pytest.skip(reason)
        script = (
            "sensor 0.01\ngpu 0 power=300 sm_activity=50 memory_used=9e9\n"
            "process 0 name=mlbench:a memory=6e9 sm=60 memory_busy=10\n"
            "process 0 name=mlbench:b memory=2e9 sm=20 memory_busy=30\n"
        )
        for name, value in StandIn(tmp_path).environment(script).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        sleeper = [("wait", "synthetic.sleep", 0.1)]
        return recorded({"a": sleeper, "b": sleeper}, tmp_path / "runs", 2, idle_s=0)

    def test_it_is_split_by_the_models_and_drawn(self, run: Run) -> None:
        frame = run.attribution()
        assert_adds_up(frame)
        whole = frame[(frame["device"] == "gpu0") & (frame["part"] == "pipeline")]
        energy = whole[whole["resource"] == "energy_j"].set_index(["model", "pipeline"])["value"]
        assert energy["equal", "a"] == pytest.approx(energy["equal", "b"])
        assert energy["sm", "a"] / energy["sm", "b"] == pytest.approx(3, rel=0.2)
        blend = energy["sm_and_memory", "a"] / energy["sm_and_memory", "b"]
        assert blend == pytest.approx((0.75 + 0.25) / (0.25 + 0.75), rel=0.2)
        held = whole[(whole["resource"] == "memory_byte_s") & (whole["model"] == "held")]
        assert held["value"].iloc[0] / held["value"].iloc[1] == pytest.approx(3, rel=0.2)
        table = frame[frame["resource"] == "energy_j"]
        assert energy_figure(table).to_dict()
        assert "Source: stand-in, not a measurement." in json.dumps(energy_figure(run).to_dict())
        idle = frame[(frame["resource"] == "energy_j") & (frame["part"] == "idle")]
        assert set(idle["reason"]) == {"nobody looked at it idle"}
        alone = run.attribution({"a": run, "b": run})
        reasons = alone[alone["model"] == "calibrated"].set_index("resource")["reason"]
        assert "a alone: what the idle device drew is not known" in set(reasons["energy_j"])
        shares = alone[(alone["model"] == "calibrated") & (alone["resource"] == "sm_s")]["share"]
        assert shares.iloc[0] == pytest.approx(0.5, abs=0.1)  # a query of each took as much
