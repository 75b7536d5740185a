"""States of points, and the locks: what is missing, what is gone, who waits for whom."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sweep_support import notebook, plan

from mlbench.errors import MlbenchError, NotARunError, Problem, SpecError
from mlbench.store.process import process_identity
from mlbench.sweep.conduct import resume, run
from mlbench.sweep.executor import Follow, executor_for
from mlbench.sweep.layout import STATE, SweepManifest, block_log, point_directory, read_plan
from mlbench.sweep.local import Local
from mlbench.sweep.locks import HeldError, Locks
from mlbench.sweep.opened import Sweep
from mlbench.sweep.planning import begin, refuse_changed
from mlbench.sweep.slurm import Slurm
from mlbench.sweep.slurm.job import Job
from mlbench.sweep.slurm.ledger import Ledger
from mlbench.sweep.slurm.refusal import NoAnswerError
from mlbench.sweep.state import (
    CONTAMINATED,
    DONE,
    FAILED,
    INTERRUPTED,
    PLANNED,
    RUNNING,
    PointState,
    host,
    states,
    this_process,
    unfinished,
    write_state,
)

pytestmark = pytest.mark.unit


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    tiny = notebook(tmp_path / "tiny.ipynb")
    return begin(plan(tiny, parameters={"grid": {"x": [1, 2]}}, repeats=2), tmp_path / "runs")


def ids(manifest: SweepManifest) -> list[str]:
    return [point.id for point in manifest.points]


def gone() -> dict[str, object]:
    """A process that has ended: its id, and when it started."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = process_identity(process.pid)
    process.communicate()
    return {**identity, "host": host()}


def test_a_point_without_a_state_is_planned(sweep: Path) -> None:
    found = states(sweep, ids(read_plan(sweep)))
    assert {state.status for state in found.values()} == {PLANNED}


def test_a_point_whose_process_is_gone_is_interrupted(sweep: Path) -> None:
    point = read_plan(sweep).points[0].id
    write_state(sweep, point, PointState(RUNNING, process=gone()))
    assert states(sweep, [point])[point].status == INTERRUPTED


def test_a_point_runs_while_its_process_lives_or_is_on_another_machine(sweep: Path) -> None:
    here, elsewhere = (point.id for point in read_plan(sweep).points[:2])
    write_state(sweep, here, PointState(RUNNING, process=this_process()))
    write_state(sweep, elsewhere, PointState(RUNNING, process={**gone(), "host": "another"}))
    assert {state.status for state in states(sweep, [here, elsewhere]).values()} == {RUNNING}


def test_blocks_with_something_left_are_unfinished(sweep: Path) -> None:
    manifest = read_plan(sweep)
    first, second = manifest.blocks
    for point in first.points:
        write_state(sweep, point, PointState(DONE, 1))
    write_state(sweep, second.points[0], PointState(FAILED, 1))
    assert unfinished(manifest, states(sweep, ids(manifest))) == [second.id]
    write_state(sweep, second.points[1], PointState(FAILED, 1))
    assert unfinished(manifest, states(sweep, ids(manifest))) == []
    assert Sweep(sweep).status == "done"


def test_a_contaminated_point_is_made_again_until_its_attempts_are_used_up(sweep: Path) -> None:
    manifest = read_plan(sweep)
    done = dict.fromkeys(ids(manifest), PointState(DONE, 1))
    point = manifest.points[0]
    some = {**done, point.id: PointState(CONTAMINATED, 2)}
    assert unfinished(manifest, some) == [point.block]
    assert unfinished(manifest, {**some, point.id: replace(some[point.id], attempts=3)}) == []


def test_a_state_that_is_damaged_says_so(sweep: Path) -> None:
    point = read_plan(sweep).points[0].id
    write_state(sweep, point, PointState(DONE))
    (point_directory(sweep, point) / STATE).write_text('{"status": "fine"}')
    with pytest.raises(NotARunError, match="is no state of a point"):
        states(sweep, [point])


@pytest.mark.parametrize("left", ["", '{"status": "do', "\0" * 90])
def test_a_state_that_was_torn_is_that_of_a_point_which_is_executed_again(
    sweep: Path, left: str
) -> None:
    manifest = read_plan(sweep)
    for point in ids(manifest):
        write_state(sweep, point, PointState(DONE, 1))
    torn, *others = ids(manifest)
    (point_directory(sweep, torn) / STATE).write_text(left)
    found = states(sweep, [torn, *others])
    assert (found[torn].status, found[torn].attempts) == (PLANNED, 0)
    assert found[torn].error is not None
    assert "is empty or torn" in found[torn].error["message"]
    assert {found[point].status for point in others} == {DONE}
    assert unfinished(manifest, found) == [manifest.points[0].block]
    assert Sweep(sweep).summary()["points"]["done"] == 3


def test_a_state_that_is_a_link_is_no_state(sweep: Path, tmp_path: Path) -> None:
    point = read_plan(sweep).points[0].id
    point_directory(sweep, point).mkdir()
    (point_directory(sweep, point) / STATE).symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(NotARunError, match="is no state of a point"):
        states(sweep, [point])


def test_a_state_is_on_the_disk_before_it_takes_the_place_of_the_old_one(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    did = []
    fsync, replace_ = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda each: (did.append("fsync"), fsync(each)))
    monkeypatch.setattr(
        Path, "replace", lambda part, path: (did.append(path.name), replace_(part, path))
    )
    write_state(sweep, read_plan(sweep).points[0].id, PointState(DONE, 1))
    assert did == ["fsync", STATE]


# -- where a sweep is executed -----------------------------------------------------------


class Refuses:
    """An executor that takes nothing, having done something first."""

    def __init__(
        self, first: Callable[[Path], object] = lambda directory: None, answers: bool = True
    ) -> None:
        self.first = first
        self.answers = answers

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Refuses:
        return cls()

    def run(self, directory: Path, blocks: Sequence[str], follow: Follow) -> None:
        self.first(directory)
        if not self.answers:
            raise NoAnswerError("the cluster takes nothing: it does not answer")
        raise SpecError([Problem((), "the cluster takes nothing")])


def _refused(folder: Path, executor: Refuses) -> list[Path]:
    tiny = notebook(folder / "tiny.ipynb")
    with pytest.raises(MlbenchError, match="takes nothing"):
        run(plan(tiny), out=folder / "runs", executor=executor)
    return list((folder / "runs").iterdir())


def test_a_sweep_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    assert _refused(tmp_path, Refuses()) == []


def test_a_sweep_that_gets_no_answer_is_kept_because_its_job_may_have_been_taken(
    tmp_path: Path,
) -> None:
    (kept,) = _refused(tmp_path, Refuses(answers=False))
    assert read_plan(kept).points


def _begin_a_point(directory: Path) -> None:
    write_state(directory, read_plan(directory).points[0].id, PointState(DONE, 1))


def _submit_a_job(directory: Path) -> None:
    Ledger(directory).add("r000", Job("7", "pending"))


def _fail_a_block(directory: Path) -> None:
    block_log(directory, "r000").write_text("no such kernel\n")


@pytest.mark.parametrize("first", [_begin_a_point, _submit_a_job, _fail_a_block])
def test_a_sweep_of_which_something_has_begun_is_kept(
    tmp_path: Path, first: Callable[[Path], object]
) -> None:
    (kept,) = _refused(tmp_path, Refuses(first))
    assert read_plan(kept).points


def test_who_goes_on_with_a_sweep_of_a_cluster_says_where(sweep: Path) -> None:
    (sweep / "slurm").mkdir()
    with pytest.raises(SpecError, match=r"given to --on slurm.*--on local for this machine"):
        resume(sweep)
    assert isinstance(executor_for(sweep, "local"), Local)
    assert isinstance(executor_for(sweep, "slurm"), Slurm)
    assert {state.status for state in Sweep(sweep).states().values()} == {PLANNED}


def test_who_goes_on_with_a_sweep_of_this_machine_says_nothing(sweep: Path) -> None:
    assert isinstance(executor_for(sweep), Local)


def test_a_sweep_whose_notebook_is_another_keeps_the_one_that_it_has(sweep: Path) -> None:
    notebook(sweep.parent.parent / "tiny.ipynb", "print('another')")
    assert refuse_changed(sweep).points == read_plan(sweep).points


def test_a_sweep_of_another_mlbench_cannot_go_on(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlbench.sweep.versions.__version__", "99")
    with pytest.raises(NotARunError, match="and this is 99"):
        refuse_changed(sweep)


# -- locks -------------------------------------------------------------------------------

HOLDER = {"sweep": "runs/one", "block": "r000", "process": os.getpid()}


def test_two_never_hold_the_same_processor(tmp_path: Path) -> None:
    first, second = Locks(tmp_path), Locks(tmp_path)
    assert first.take(["cpu-0", "cpu-1"], HOLDER, None)
    with pytest.raises(HeldError, match=r"cpu-1 is held by the sweep runs/one \(block r000"):
        second.take(["cpu-1", "cpu-2"], HOLDER, None)
    assert Locks(tmp_path).take(["cpu-3"], HOLDER, None)


def test_one_that_waits_is_told_for_whom_and_gets_it_when_it_is_free(tmp_path: Path) -> None:
    first, second, heard = Locks(tmp_path), Locks(tmp_path), []
    first.take(["gpu-a"], HOLDER, None)

    def waits(told: str) -> bool:
        heard.append(told)
        first.release()
        return True

    assert second.take(["gpu-a"], {**HOLDER, "sweep": "runs/two"}, waits)
    assert "runs/one" in heard[0]


def test_one_that_gives_up_holds_nothing(tmp_path: Path) -> None:
    first, second = Locks(tmp_path), Locks(tmp_path)
    first.take(["cpu-1"], HOLDER, None)
    assert not second.take(["cpu-0", "cpu-1"], HOLDER, lambda told: False)
    assert Locks(tmp_path).take(["cpu-0"], HOLDER, None)
