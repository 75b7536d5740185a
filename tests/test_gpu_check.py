"""``make gpu-check``: without a GPU, over a stand-in, and its arithmetic on what is made up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parent / "support" / "nvml"))

from stand_in import StandIn, series, why_not

from benchmarks.gpu_check.part import Part, Site, carried_out
from benchmarks.gpu_check.report import document, page
from benchmarks.gpu_check.sensor import Fit, Reading, fitted
from mlbench.probes.sensor_cache import Sensor, keep_sensor, known_sensor

ROOT = Path(__file__).parents[1]


def check(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the check into a folder."""
    return child(["-m", "benchmarks.gpu_check", str(folder)], folder, environment)


def child(
    arguments: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a Python of its own, which keeps what it finds out in a folder."""
    command = [sys.executable, *arguments]
    whole = {**os.environ, "XDG_CACHE_HOME": str(folder), **environment}
    whole.pop("CUDA_VISIBLE_DEVICES", None)
    return subprocess.run(
        command, env=whole, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    if reason := why_not():
        pytest.skip(reason)
    return StandIn(tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="module")
def report(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("check")
    script = (
        "gpu 0 power=100 sm_activity=42\n"
        "process 0 pid=1 memory=8e9 sm=40\n"
        "fault nvmlDeviceGetPowerUsage code=3\n"
    )
    done = check(folder, stand_in.environment(script))
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "report.json").read_text())
    return {**found, "page": (folder / "report.md").read_text()}


class TestWithoutAGpu:
    def test_it_says_so_in_one_line_with_status_2(self, tmp_path: Path) -> None:
        (tmp_path / "libnvidia-ml.so.1").write_text("no library")
        done = check(tmp_path / "out", {"LD_LIBRARY_PATH": str(tmp_path)})
        assert done.returncode == 2
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("no GPU to check: ")
        assert not (tmp_path / "out").exists()


class TestOverAStandIn:
    def test_the_report_says_that_it_is_one(self, report: Any) -> None:
        assert report["source"] == "stand-in"
        assert "no number here says anything about a GPU" in report["page"]

    def test_the_cost_of_each_call_is_there_or_its_error(self, report: Any) -> None:
        costs = report["parts"]["cost of NVML calls"]["result"]
        assert costs["nvmlDeviceGetMemoryInfo"]["median_us"] > 0
        assert costs["nvmlDeviceGetProcessUtilization"]["calls"] > 1
        assert costs["nvmlDeviceGetPowerUsage"]["error"] == "Not Supported"

    def test_counters_that_give_values_are_told_from_those_that_do_not(self, report: Any) -> None:
        found = report["parts"]["GPM metrics"]["result"]
        assert found["values"]["sm_util"] == pytest.approx(42)
        assert "fp16_util" in found["refused"]["Not Supported"]

    def test_rows_of_processes_are_seen(self, report: Any) -> None:
        found = report["parts"]["process rows when nothing was started"]["result"]
        assert found["processes"]["1"]["sm"] == 40
        assert found["processes"]["1"]["gap_ms"] > 0

    def test_what_has_to_compute_is_not_made_up(self, report: Any) -> None:
        for name in ("power sensor", "two tenants by placement", "tokens", "observer effect"):
            part = report["parts"][name]
            assert part["result"] is None
            assert "nothing to compute on" in part["reason"]
            assert part["reason"] in report["page"]

    def test_a_sensor_is_read_and_fitted(self, stand_in: StandIn) -> None:
        """A wave that the script plays, which begins now, instead of a load."""
        edges = wave(4.0)
        begin_s = time.monotonic() + 2
        power = series((at, 300 if n % 2 == 0 else 100) for n, at in enumerate(edges))
        script = f"zero_ns {round(begin_s * 1e9)}\nsensor 0.1 0.025\ngpu 0 power={power}\n"
        told = stand_in.python(READ.format(root=str(ROOT), begin_s=begin_s), script)
        fit = fitted([(at - begin_s, watts) for at, watts in json.loads(told)], edges)
        assert fit.period_ms == pytest.approx(100, abs=15)
        assert fit.explained > 0.5

    def test_two_tenants_are_run_and_told_apart(self, stand_in: StandIn, tmp_path: Path) -> None:
        """On processors, which stand in for the GPU that cannot compute."""
        script = (
            "gpu 0 power=100\n"
            "process 0 name=mlbench:cpu memory=6e9 sm=60 memory_busy=10\n"
            "process 0 name=mlbench:memory memory=2e9 sm=20 memory_busy=10\n"
        )
        code = TENANTS.format(folder=str(tmp_path))
        done = child(["-c", code], tmp_path, stand_in.environment(script))
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert set(found["mig"]) == {"reason"}
        slices = found["time slices"]
        assert slices["achieved"]["cpu"] > 0
        assert slices["achieved"]["memory"] > 0
        assert {name: each["sm"] for name, each in slices["process_rows"]["of"].items()} == {
            "cpu": 60, "memory": 20,
        }  # fmt: skip
        models = {row["model"] for row in slices["attribution"] if row["resource"] == "energy_j"}
        assert models == {"equal", "sm", "sm_and_memory", "calibrated"}
        assert (tmp_path / slices["recording"] / "run.json").exists()


TENANTS = """
import json
import pynvml
from pathlib import Path
from benchmarks.gpu_check import runs
from benchmarks.gpu_check.part import Site
pynvml.nvmlInit()
runs.DEVICE, runs.RUN_S = "cpu", 1
runs.ANTAGONISTS = {{"antagonist.cpu": "gflop_per_s", "antagonist.memory": "gb_per_s"}}
handle = pynvml.nvmlDeviceGetHandleByIndex(0)
found = runs.placements(Site(pynvml, handle, "", "", "", None, Path({folder!r})))
print(json.dumps(found, allow_nan=False))
"""

READ = """
import json, sys, time
sys.path.insert(0, {root!r})
import pynvml
from pathlib import Path
from benchmarks.gpu_check.part import Site
from benchmarks.gpu_check.sensor import read_power
pynvml.nvmlInit()
handle = pynvml.nvmlDeviceGetHandleByIndex(0)
time.sleep(max(0, {begin_s} - time.monotonic()))
print(json.dumps(read_power(Site(pynvml, handle, "", "", "", None, Path()), 4.0)))
"""


# -- the arithmetic ----------------------------------------------------------------------


def wave(seconds: float, seed: int = 1) -> list[float]:
    """Edges of a load that goes on and off at random, from 0 on."""
    random, edges = Random(seed), [0.0]
    while edges[-1] < seconds:
        edges.append(edges[-1] + random.uniform(0.02, 0.15))
    return edges


def shown(
    edges: list[float], period_s: float, window_s: float, noise_w: float = 0.0
) -> list[Reading]:
    """What a sensor shows, read every 2 ms, that publishes the mean over the end of its period."""
    random = np.random.default_rng(1)
    fine = np.arange(0, edges[-1] + 1, 1e-4)
    power = np.where(np.searchsorted(edges, fine, "right") % 2 == 1, 300.0, 100.0)
    sums = np.concatenate([[0], np.cumsum(power) * 1e-4])
    readings, last, watts = [], -1, 0.0
    for at in np.arange(0.3, edges[-1], 0.002):
        number = int(at / period_s + 1e-9)
        if number != last:
            end = number * period_s
            edge = np.interp([end - window_s, end], np.append(fine, fine[-1] + 1e-4), sums)
            last, watts = number, float(edge[1] - edge[0]) / window_s + random.normal(0, noise_w)
        readings.append((float(at), watts))
    return readings


def fit_of(period_s: float, window_s: float, noise_w: float = 0.0) -> Fit:
    edges = wave(12)
    return fitted(shown(edges, period_s, window_s, noise_w), edges)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("period_s", "window_s"), [(0.1, 0.025), (0.1, 0.1), (0.02, 0.01), (0.05, 0.1)]
)
def test_period_and_window_of_a_sensor_are_found(period_s: float, window_s: float) -> None:
    fit = fit_of(period_s, window_s)
    assert fit.period_ms == pytest.approx(period_s * 1e3, rel=0.05)
    assert fit.window_ms == pytest.approx(window_s * 1e3, rel=0.2)
    assert fit.explained > 0.95


@pytest.mark.unit
def test_noise_lowers_what_is_explained_more_than_it_moves_the_window() -> None:
    fit = fit_of(0.1, 0.025, noise_w=20)
    assert fit.window_ms == pytest.approx(25, abs=10)
    assert fit.explained < fit_of(0.1, 0.025).explained


@pytest.mark.unit
def test_a_sensor_that_does_not_change_is_no_fit() -> None:
    edges = wave(12)
    flat = [(at, 100.0) for at, _ in shown(edges, 0.1, 0.025)]
    with pytest.raises(ValueError, match="showed 0 new values"):
        fitted(flat, edges)


# -- what is kept ------------------------------------------------------------------------


@pytest.mark.unit
class TestWhatIsKeptOfASensor:
    @pytest.fixture(autouse=True)
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        return tmp_path

    def test_is_by_gpu_and_driver(self) -> None:
        keep_sensor("GPU-1", "580.1", Sensor(100, 25))
        keep_sensor("GPU-2", "580.1", Sensor(20))
        assert known_sensor("GPU-1", "580.1") == Sensor(100, 25)
        assert known_sensor("GPU-2", "580.1") == Sensor(20, None)
        assert known_sensor("GPU-1", "581.0") is None

    def test_that_is_damaged_is_not_known_and_can_be_written_again(self) -> None:
        path = keep_sensor("GPU-1", "580.1", Sensor(100, 25))
        for text in ("", "[]", '{"GPU-1 580.1": 3}', '{"GPU-1 580.1": {"period_ms": "x"}}'):
            path.write_text(text)
            assert known_sensor("GPU-1", "580.1") is None
            keep_sensor("GPU-1", "580.1", Sensor(50, 50))
            assert known_sensor("GPU-1", "580.1") == Sensor(50, 50)


# -- the parts ---------------------------------------------------------------------------


def site(folder: Path, cuda: str | None = None) -> Site:
    return Site(None, None, "GPU-1", "A GPU", "580.1", cuda, folder)


@pytest.mark.unit
class TestTheParts:
    def test_one_that_fails_does_not_end_the_others(self, tmp_path: Path) -> None:
        def broken(_: Site) -> dict[str, Any]:
            raise OSError("it fell off")

        made = carried_out([Part("a", broken), Part("b", lambda _: {"n": 1})], site(tmp_path))
        first, second = made
        assert (first.result, first.reason) == (None, "OSError: it fell off")
        assert (second.result, second.reason) == ({"n": 1}, None)

    def test_none_begins_when_the_time_is_over(self, tmp_path: Path) -> None:
        now_s = iter([0.0, 0.0, 300.0, 450.0])
        clock: Callable[[], float] = lambda: next(now_s)  # noqa: E731
        parts = [Part(name, lambda _: {}) for name in "ab"]
        first, second = carried_out(parts, site(tmp_path), clock)
        assert first.seconds == 300
        assert second.reason == "there was no time left for it"

    def test_one_that_computes_needs_something_to_compute_on(self, tmp_path: Path) -> None:
        parts = [Part("a", lambda _: {}, computes=True), Part("b", lambda _: {})]
        first, second = carried_out(parts, site(tmp_path, cuda="no build for CUDA"))
        assert (first.reason, second.reason) == ("no build for CUDA", None)

    def test_the_page_has_every_number_and_reason(self, tmp_path: Path) -> None:
        parts = [
            Part("a", lambda _: {"x": {"y": [1.23456789, None]}}),
            Part("b", lambda _: {}, True),
        ]
        found = document(site(tmp_path), carried_out(parts, site(tmp_path, "no CUDA")))
        text = page(found)
        assert "| x › y › 0 | 1.2346 |" in text
        assert "None: no CUDA" in text
        assert "Stand-in" not in text
        assert list(pairwise(line for line in text.splitlines() if line.startswith("#")))
