"""What others did around a run, and what is said of it."""

from __future__ import annotations

import os

import pytest

from mlbench.collocation import foreign
from mlbench.collocation.foreign import Foreign, Witness, holders, look
from mlbench.machine.contention import Contention
from mlbench.machine.cpu import available_cpus
from mlbench.machine.gpu import Gpu, GpuProcess, Gpus
from mlbench.spec import Study

pytestmark = pytest.mark.unit

BEFORE = Contention(seconds=0.5, busy_share=0.03)


@pytest.fixture
def machine(tmp_path):
    """Write the counters of one of our processors, in ticks; returns the root to look below."""

    def count(busy: int, idle: int, steal: int = 0):
        (tmp_path / "proc").mkdir(exist_ok=True)
        cpu = available_cpus()[0]
        line = f"cpu{cpu} {busy} 0 0 {idle} 0 0 0 {steal} 0 0\n"
        (tmp_path / "proc/stat").write_text(line)
        return tmp_path

    return count


@pytest.fixture
def used(monkeypatch):
    """Let this process and its children have used so many seconds from now on."""

    def let(seconds: float):
        before = os.times()
        times = type("Times", (), {})()
        times.user, times.system = before.user, before.system
        times.children_user, times.children_system = before.children_user + seconds, 0.0
        times.children_system = before.children_system
        monkeypatch.setattr(os, "times", lambda: times)

    return let


def test_what_the_run_used_itself_is_not_foreign(machine, used):
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    used(0)
    witness = Witness(root=machine(1000, 1000))
    used(60 * tick_s)
    machine(1080, 1010, 10)  # 80 busy, of which 60 are ours; 10 idle, 10 stolen
    found = witness.since(BEFORE)
    assert found.before == 0.03
    assert found.during == pytest.approx(0.2)
    assert found.steal == pytest.approx(0.1)


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Write the busy and idle ticks of two processors, ours; returns the root to look below."""
    monkeypatch.setattr(foreign, "available_cpus", lambda: (0, 1))

    def count(*cpus: tuple[int, int]):
        (tmp_path / "proc").mkdir(exist_ok=True)
        lines = [f"cpu{n} {busy} 0 0 {idle} 0 0 0 0 0 0\n" for n, (busy, idle) in enumerate(cpus)]
        (tmp_path / "proc/stat").write_text("".join(lines))
        return tmp_path

    return count


def test_load_on_the_placements_processors_is_not_diluted_over_all(two, used):
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    used(0)
    witness = Witness(cpus=(0,), root=two((1000, 1000), (1000, 1000)))
    used(62 * tick_s)
    two((1070, 1030), (1000, 1100))  # 70 of 100 busy beside us, of which 62 are ours
    found = witness.since(BEFORE)
    assert found.during == pytest.approx(0.04)
    assert found.placed == pytest.approx(0.08)
    (reason,) = found.reasons(Study())
    assert "8.0% of the processors of the run's own placements" in reason


def test_what_is_told_of_all_processors_is_not_told_of_some_again():
    assert len(list(Foreign(during=0.2, placed=0.3).reasons(Study()))) == 1


def test_the_look_sees_the_processors_of_the_placements(two):
    root = two((0, 0), (0, 0))

    def others_work(seconds: float) -> None:
        two((20, 30), (0, 50))

    (root / "proc/stat").write_text("cpu0 1 0 0 1 0 0 0 0\ncpu1 1 0 0 1 0 0 0 0\n")
    assert look(others_work, (0,), root).busy_share == pytest.approx(19 / 48)


def test_counting_in_ticks_makes_nobody_negative(machine, used):
    used(0)
    witness = Witness(root=machine(1000, 1000))
    used(1)
    machine(1010, 1090)
    assert witness.since(BEFORE).during == 0


def test_a_kernel_that_does_not_count_is_null_and_no_reason(tmp_path):
    found = Witness(root=tmp_path).since(Contention(seconds=0.5))
    assert found == Foreign()
    assert list(found.reasons(Study())) == []


def test_each_share_above_its_limit_is_a_reason_with_the_key_of_the_limit():
    reasons = list(Foreign(0.2, 0.1, steal=0.03).reasons(Study()))
    assert [reason.split()[0:2] for reason in reasons] == [
        ["Others", "used"],
        ["Others", "used"],
        ["A", "hypervisor"],
    ]
    assert "20.0% of the processors right before the run" in reasons[0]
    assert "foreign_share: 0.05" in reasons[1]
    assert "steal_share: 0.01" in reasons[2]


def test_shares_at_their_limit_are_none():
    study = Study(foreign_share=0.2, steal_share=0.03)
    assert list(Foreign(0.2, 0.1, 0.2, 0.03).reasons(study)) == []


def test_a_context_that_others_hold_on_a_gpu_of_the_run_is_a_reason(monkeypatch):
    mine, other = GpuProcess(os.getpid(), 1), GpuProcess(4711, 1)
    gpus = Gpus(devices=(Gpu(0, "GPU-a", processes=(mine, other)), Gpu(1, "GPU-b", processes=())))
    monkeypatch.setattr(foreign, "read_gpus", lambda: gpus)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert holders(["cpu", "cuda:0"]) == (4711,)
    assert holders(["cuda:1"]) == ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert holders(["cuda:1"]) == (4711,)
    (reason,) = Foreign(contexts=(4711,)).reasons(Study())
    assert reason == "Others held a context on the GPU before the run: process 4711."


def test_a_context_that_others_hold_at_the_end_is_a_reason_and_the_runs_own_is_none(
    monkeypatch, machine
):
    held: list[GpuProcess] = []
    monkeypatch.setattr(
        foreign, "read_gpus", lambda: Gpus(devices=(Gpu(0, "GPU-a", processes=tuple(held)),))
    )
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    witness = Witness(["cuda:0"], root=machine(1000, 1000))
    held += [GpuProcess(4711, 1), GpuProcess(4712, 1)]
    found = witness.since(BEFORE, own={4712})
    assert (found.contexts, found.contexts_after) == ((), (4711,))
    (reason,) = Foreign(contexts_after=(4711,)).reasons(Study())
    assert reason == "Others held a context on the GPU at the end of the run: process 4711."


def test_nobody_asks_for_gpus_where_none_is_used(monkeypatch):
    monkeypatch.setattr(foreign, "read_gpus", lambda: 1 / 0)
    assert holders(["cpu", "cpu"]) == ()
