"""MPS up to the boundary of the GPU: variables, the daemon's life, and how it misbehaves."""

from __future__ import annotations

from pathlib import Path

import pytest
import sham_mps
from pydantic import ValidationError

import mlbench
from mlbench.check import problems
from mlbench.errors import EngineError
from mlbench.machine import gpu
from mlbench.machine.gpu import Gpu, Gpus
from mlbench.placements import mps, mps_daemon
from mlbench.placements.mps import Mps
from mlbench.placements.mps_daemon import running
from mlbench.placements.visible import uuid_of

unit = pytest.mark.unit


@pytest.fixture
def sham(tmp_path, monkeypatch):
    """The stand-in on the path: what happened to it, and how it behaves."""
    for name, value in sham_mps.install(tmp_path).items():
        monkeypatch.setenv(name, value)
    for limit in ("START_S", "ANSWER_S", "QUIT_S"):
        monkeypatch.setattr(mps_daemon, limit, 5.0)

    class Sham:
        def said(self) -> list[str]:
            log = tmp_path / "said"
            return log.read_text().splitlines() if log.exists() else []

        def manners(self, manners: str) -> None:
            monkeypatch.setenv("SHAM_MANNERS", manners)
            for limit in ("START_S", "QUIT_S"):
                monkeypatch.setattr(mps_daemon, limit, 0.3)

        def die(self) -> None:
            (tmp_path / "said.die").touch()

    return Sham()


def folder_of(variables) -> Path:
    return Path(variables["CUDA_MPS_PIPE_DIRECTORY"]).parent


# -- one client --------------------------------------------------------------------------


@unit
def test_a_client_is_limited_by_variables_of_its_own():
    method = Mps(active_thread_percentage=37.5, memory_mib=2048, priority="below_normal")
    with method.around("cuda:1") as variables:
        assert variables == {
            "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": "37.5",
            "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT": "0=2048M",
            "CUDA_MPS_CLIENT_PRIORITY": "1",
        }


@unit
def test_a_client_without_limits_says_no_more_than_its_priority():
    with Mps().around("cuda:0") as variables:
        assert variables == {"CUDA_MPS_CLIENT_PRIORITY": "0"}


@unit
@pytest.mark.parametrize(
    "wrong",
    [
        {"active_thread_percentage": 0},
        {"active_thread_percentage": 101},
        {"memory_mib": 0},
        {"x": 1},
    ],
)
def test_limits_have_bounds(wrong):
    with pytest.raises(ValidationError):
        Mps(**wrong)


# -- the daemon --------------------------------------------------------------------------


def test_the_daemon_serves_one_device_in_directories_of_its_own(sham):
    with running("GPU-1234") as variables:
        folder = folder_of(variables)
        assert variables == {
            "CUDA_MPS_PIPE_DIRECTORY": str(folder / "pipe"),
            "CUDA_MPS_LOG_DIRECTORY": str(folder / "log"),
            "CUDA_VISIBLE_DEVICES": "GPU-1234",
        }
        assert (folder / "pipe" / "control").exists()
        assert sham.said() == ["start GPU-1234"]
    assert sham.said() == ["start GPU-1234", "quit", "end"]
    assert not folder.exists()


def test_a_daemon_that_refuses_is_told_in_its_own_words(sham):
    sham.manners("refuses")
    refusal = "did not start: Cannot start: compute mode is prohibited"
    with pytest.raises(EngineError, match=refusal), running("GPU-1234"):
        raise AssertionError("it did start")


def test_a_daemon_that_hangs_is_ended(sham):
    sham.manners("hangs")
    with pytest.raises(EngineError, match=r"did not answer within 0\.3 s"), running("GPU-1234"):
        raise AssertionError("it did answer")


def test_a_daemon_that_died_is_told_because_clients_go_on_without_it(sham):
    with pytest.raises(EngineError, match=r"was gone before the run had ended: .*ran into a wall"):
        outlive(sham)
    assert "quit" not in sham.said()


def outlive(sham) -> None:
    with running("GPU-1234") as variables:
        sham.die()
        while "ran into a wall" not in (folder_of(variables) / "output").read_text():
            pass


def test_a_daemon_that_nobody_came_to_is_told(sham):
    sham.manners("unused")
    with pytest.raises(EngineError, match="nothing ran under MPS"), running("GPU-1234"):
        pass
    assert sham.said()[-1] == "end"


def test_a_daemon_that_does_not_quit_is_killed(sham):
    sham.manners("deaf")
    with running("GPU-1234") as variables:
        folder = folder_of(variables)
    assert sham.said() == ["start GPU-1234", "quit"]
    assert not folder.exists()


def test_it_is_ended_as_well_when_the_run_breaks(sham):
    with pytest.raises(ZeroDivisionError), running("GPU-1234"):
        raise ZeroDivisionError
    assert sham.said() == ["start GPU-1234", "quit", "end"]


# -- whole runs --------------------------------------------------------------------------


def with_sharing(tmp_path: Path, **sharing: dict) -> mlbench.Run:
    """A run of pipelines that say what MPS has put into their environment."""
    pipelines = {
        name: {
            "data": {"uses": "synthetic.items"},
            "place": {"device": "cpu", "cpus": [0], "sharing": method},
            "stages": {"see": {"uses": "sham_mps:mps_variables"}},
        }
        for name, method in sharing.items()
    }
    bench = mlbench.Benchmark(name="shared", stop={"queries": 1}, pipelines=pipelines)
    return mlbench.start(bench, out=tmp_path / "runs").wait(60)


def seen(run: mlbench.Run) -> dict[str, dict[str, str]]:
    outputs = run.outputs()
    return dict(zip(outputs["pipeline"], outputs["output"], strict=True))


def test_the_pipelines_of_a_run_share_one_daemon_and_each_has_its_limits(sham, tmp_path):
    run = with_sharing(
        tmp_path,
        a={"sham_mps:ShamMps": {"active_thread_percentage": 30}},
        b={"sham_mps:ShamMps": {"active_thread_percentage": 70}},
    )
    assert run.status == "done", run.manifest["reasons"]
    assert run.manifest["reasons"] == []
    found = seen(run)
    assert found["a"]["CUDA_MPS_PIPE_DIRECTORY"] == found["b"]["CUDA_MPS_PIPE_DIRECTORY"]
    assert found["a"]["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] == "30"
    assert found["b"]["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] == "70"
    assert sham.said() == ["start GPU-1234", "quit", "end"]


def test_a_daemon_that_refuses_ends_the_run_before_any_worker_starts(sham, tmp_path, monkeypatch):
    monkeypatch.setenv("SHAM_MANNERS", "refuses")
    run = with_sharing(tmp_path, a={"sham_mps:ShamMps": {}})
    assert run.status == "failed"
    (reason,) = run.manifest["reasons"]
    assert "compute mode is prohibited" in reason
    assert run.summary()["verdict"] == "INVALID"
    assert "started" not in (run.path / "log.jsonl").read_text()


def test_a_run_whose_daemon_nobody_came_to_is_invalid(sham, tmp_path, monkeypatch):
    monkeypatch.setenv("SHAM_MANNERS", "unused")
    run = with_sharing(tmp_path, a={"sham_mps:ShamMps": {}})
    assert run.status == "done"
    summary = run.summary()
    assert summary["verdict"] == "INVALID"
    assert any("nothing ran under MPS" in reason for reason in summary["reasons"])


def test_what_one_method_refuses_takes_down_what_another_has_put_up(sham, tmp_path):
    run = with_sharing(tmp_path, a={"sham_mps:ShamMps": {}}, b={"sham_mps:Refused": {}})
    assert run.status == "failed"
    assert "the device is in use by somebody else" in run.manifest["reasons"]
    assert sham.said()[-1] == "end"


# -- what it needs -----------------------------------------------------------------------


def mistakes_of(place: dict) -> dict[str, str]:
    pipeline = {
        "data": {"uses": "synthetic.items"},
        "place": place,
        "stages": {"step": {"uses": "synthetic.noop"}},
    }
    bench = mlbench.Benchmark(name="b", pipelines={"p": pipeline})
    return {problem.key: problem.message for problem in problems(bench)}


@unit
def test_without_the_program_it_says_where_it_comes_from(monkeypatch):
    monkeypatch.setattr(mps, "control_program", lambda: None)
    found = mistakes_of({"sharing": "mps"})["pipelines.p.place.sharing.mps"]
    assert "nvidia-cuda-mps-control, which is not on the path" in found
    assert "nvidia-compute-utils" in found


@unit
def test_without_a_gpu_it_says_so(monkeypatch):
    monkeypatch.setattr(mps, "control_program", lambda: "/usr/bin/it")
    monkeypatch.setattr(mps, "device_count", lambda: 0)
    found = mistakes_of({"sharing": "mps"})["pipelines.p.place.sharing.mps"]
    assert found == "MPS needs a GPU, and this process sees none"
    monkeypatch.setattr(mps, "device_count", lambda: 1)
    assert mistakes_of({"sharing": "mps"}) == {}


@unit
def test_a_pipeline_on_the_cpu_shares_no_gpu():
    found = mistakes_of({"device": "cpu", "sharing": "mps"})
    assert found == {
        "pipelines.p.place.sharing.mps": "shares a GPU, and the pipeline is placed on cpu"
    }


@unit
@pytest.mark.parametrize(
    ("listed", "device", "uuid"),
    [(None, "cuda:1", "GPU-b"), (None, "cuda", "GPU-a"), ("1,0", "cuda:0", "GPU-b")],
)
def test_a_device_is_named_by_uuid_as_cuda_numbers_it(monkeypatch, listed, device, uuid):
    found = Gpus(devices=(Gpu(0, "GPU-a"), Gpu(1, "GPU-b")))
    monkeypatch.setattr(gpu, "read_gpus", lambda processes: found)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if listed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert uuid_of(device) == uuid


@unit
@pytest.mark.parametrize(
    ("device", "message"), [("cpu", "only a GPU is shared"), ("cuda:3", "there is no 'cuda:3'")]
)
def test_a_device_that_is_not_there_is_told(monkeypatch, device, message):
    monkeypatch.setattr(gpu, "read_gpus", lambda processes: Gpus(devices=(Gpu(0, "GPU-a"),)))
    with pytest.raises(EngineError, match=message):
        uuid_of(device)
