"""Sweeps on a real Slurm: one controller and two nodes on this machine."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from cluster import Cluster, can_hide_folders
from slurm_sweeps import asks_when, begun

from mlbench.errors import EngineError, SpecError
from mlbench.sweep.executor import executor_named
from mlbench.sweep.slurm import client, watch
from mlbench.sweep.slurm.jobs import Jobs
from mlbench.sweep.slurm.options import Options

GPU = ("--gres", "gpu:1", "--shared")
LONG = 50.0
"""Seconds that a query takes which is not meant to end by itself."""


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


# -- blocks are jobs ---------------------------------------------------------------------


def test_a_plan_gives_the_same_points_and_states_here_and_on_slurm(
    slurm: Cluster, tmp_path: Path
) -> None:
    here, there = (begun(tmp_path, [0.01, 0.02], repeats=1) for _ in range(2))
    here.run("local")
    there.run("slurm")
    assert there.statuses == here.statuses == ["done", "done"]
    assert list(there.states) == list(here.states)
    assert len(slurm.jobs()) == len(there.manifest.blocks)


def test_blocks_that_want_the_one_gpu_of_a_node_run_one_after_the_other(
    slurm: Cluster, tmp_path: Path
) -> None:
    before = len(slurm.jobs())
    sweep = begun(tmp_path, [0.01])
    sweep.run("slurm", *GPU)
    first, second = (slurm.job(job) for job in slurm.jobs()[before:])
    assert (first["NodeList"], second["NodeList"]) == ("n0", "n0")
    assert _moment(first["EndTime"]) <= _moment(second["StartTime"])
    spans = sorted(sweep.times(block.id) for block in sweep.manifest.blocks)
    assert spans[0][1] <= spans[1][0]
    assert sweep.statuses == ["done", "done"]


# -- ends --------------------------------------------------------------------------------


def test_who_asks_for_the_end_gets_it_and_goes_on_later_with_what_is_left(
    slurm: Cluster, tmp_path: Path
) -> None:
    before = len(slurm.jobs())
    sweep = begun(tmp_path, [0.01, 0.02])
    sweep.run("slurm", *GPU, follow=asks_when(lambda: "done" in sweep.statuses))
    made = sweep.states
    assert set(sweep.statuses) == {"done", "planned"}
    ends = client.look_up(slurm.jobs()[before:])
    assert {job.state for job in ends.values()} == {"cancelled"}
    assert slurm.processes(b"SLURM_JOB_ID=") == []
    sweep.run("slurm", *GPU)
    assert sweep.statuses == ["done"] * 4
    kept = [key for key, state in made.items() if state.status == "done"]
    assert all(sweep.states[key] == made[key] for key in kept)


def test_an_interrupt_that_nobody_counts_cancels_the_jobs(slurm: Cluster, tmp_path: Path) -> None:
    before = len(slurm.jobs())
    sweep = begun(tmp_path, [LONG], repeats=1)

    def interrupt() -> int:
        if "running" in sweep.statuses:
            raise KeyboardInterrupt
        return 0

    with pytest.raises(KeyboardInterrupt):
        sweep.run("slurm", follow=interrupt)
    (job,) = slurm.jobs()[before:]
    assert (slurm.job(job)["JobState"], sweep.statuses) == ("CANCELLED", ["planned"])


def test_a_job_that_somebody_cancels_ends_and_its_points_are_planned_again(
    slurm: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(slurm.jobs())
    sweep = begun(tmp_path, [LONG], repeats=1)
    seen = []

    def cancel_it() -> int:
        if not seen and list(sweep.path.rglob("run.json")):
            seen.extend(sweep.statuses)
            client.cancel(slurm.jobs()[before:])
        return 0

    sweep.run("slurm", follow=cancel_it)
    assert (seen, sweep.statuses) == (["running"], ["planned"])
    assert "cancelled" in capsys.readouterr().err
    assert slurm.processes(b"SLURM_JOB_ID=") == []


def test_a_node_that_dies_ends_the_block_on_it(
    slurm: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doomed = begun(tmp_path, [LONG], repeats=1)
    killed = []

    def kill_it() -> int:
        if not killed and "running" in doomed.statuses:
            killed.append("n1")
            slurm.kill_node("n1")
        return 0

    doomed.run("slurm", "--slurm", "nodelist=n1", follow=kill_it)
    (state,) = doomed.states.values()
    assert (state.status, state.process) == ("planned", None)
    assert state.error is not None
    assert state.error["kind"] == "NodeFailed"
    assert "node failed" in capsys.readouterr().err


def test_a_node_that_is_taken_down_ends_its_job(slurm: Cluster, tmp_path: Path) -> None:
    sweep = begun(tmp_path, [LONG], repeats=1)
    jobs = Jobs(sweep.path, Options(more={"nodelist": "n1"}))
    entry = jobs.submit(sweep.left[0], 60, None)
    follow = asks_when(lambda: slurm.job(entry.job.id)["JobState"] == "RUNNING")
    while not follow():
        pass
    slurm.fail_node("n1")
    while jobs.going:
        jobs.look()
    assert [entry.job.state for entry in jobs.ledger.entries] == ["node failed"]


def test_a_job_that_slurm_never_starts_ends_with_its_reason(
    slurm: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = begun(tmp_path, [0.01], repeats=1)
    sweep.run("slurm", "--time", "2-0")  # the partition allows an hour
    assert sweep.statuses == ["planned"]
    assert "PartitionTimeLimit" in capsys.readouterr().err


# -- one follower after another ----------------------------------------------------------


def test_jobs_that_are_left_alone_are_found_again_and_no_point_is_made_twice(
    slurm: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(slurm.jobs())
    sweep = begun(tmp_path, [0.01])
    sweep.run("slurm", *GPU, "--detach")
    assert f"--resume {sweep.path} --on slurm" in capsys.readouterr().err
    assert sweep.statuses == ["planned"] * 2
    ledger = sweep.path / "slurm" / "jobs.json"
    known = json.loads(ledger.read_text())
    # As if the process had been killed between submitting the last job and writing it down.
    ledger.write_text(json.dumps({"jobs": known["jobs"][:-1]}))
    sweep.run("slurm")
    assert len(slurm.jobs()) - before == 2
    assert sweep.statuses == ["done"] * 2
    assert sweep.runs() == [1] * 2


def test_a_directory_that_the_nodes_do_not_share_is_an_error(
    slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_hide_folders():
        pytest.skip("needs root, with the capability to mount, to hide a folder from a node")
    sweep = begun(tmp_path, [0.01], repeats=1)
    slurm.blind_node("n1", tmp_path)
    monkeypatch.setattr(watch, "ARRIVAL_S", 1.0)
    with pytest.raises(EngineError, match=r"on n1.*nothing of it is in .*\n.*--out"):
        sweep.run("slurm", "--slurm", "nodelist=n1")
    assert sweep.statuses == ["planned"]


# -- mistakes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--partition", "mian"), r"no partition 'mian' \(did you mean 'main'\?\)"),
        (("--gres", "gpu:9"), "configuration is not available.*--gres"),
        (("--gres", "tpu:1"), r"Invalid generic resource.*sinfo"),
        (("--constraint", "a100"), "Invalid feature.*--constraint"),
        (("--slurm", "colour=red"), "unrecognized option.*--colour"),
    ],
)
def test_what_slurm_refuses_is_an_error_with_what_to_type(
    slurm: Cluster, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    sweep = begun(tmp_path, [0.01], repeats=1)
    with pytest.raises(SpecError, match=said):
        sweep.run("slurm", *options)
    assert [path.name for path in (sweep.path / "slurm").iterdir()] == ["options.json"]
    assert sweep.statuses == ["planned"]


def test_a_controller_that_does_not_answer_is_an_error(
    slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = begun(tmp_path, [0.01], repeats=1)
    text = (slurm.folder / "slurm.conf").read_text()
    nowhere = tmp_path / "slurm.conf"
    nowhere.write_text(text.replace("SlurmctldPort=", "SlurmctldPort=1  #"))
    monkeypatch.setenv("SLURM_CONF", str(nowhere))
    with pytest.raises(EngineError, match=r"does not answer.*\n.*scontrol ping"):
        sweep.run("slurm")


def test_a_machine_without_slurm_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = begun(tmp_path, [0.01], repeats=1)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="sbatch is not on the path"):
        sweep.run("slurm")


def test_an_unknown_option_is_an_error_with_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"--partitoin.*did you mean '--partition'"):
        executor_named("slurm", ["--partitoin", "gpu"])
