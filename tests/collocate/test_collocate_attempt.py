"""Around a run: the cooldown and the wait for others, and whose fault it is if it is INVALID."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from collocate_support import bench, ledger, pipeline

from mlbench.collocation import attempt
from mlbench.collocation.attempt import Attempt
from mlbench.collocation.watcher import Watcher
from mlbench.machine.contention import Contention
from mlbench.spec import Window

pytestmark = pytest.mark.unit


class Clock(Watcher):
    """Waits without waiting."""

    def __init__(self, interrupted_at_s: float = 1e9) -> None:
        self.now_s = 0.0
        self._interrupted_at_s = interrupted_at_s

    def interrupts(self) -> int:
        return int(self.now_s >= self._interrupted_at_s)

    def pause(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def seen(monkeypatch):
    """What one sees of others, look after look, half a second each; the last for ever."""

    def let(clock: Clock, *shares: float | None):
        shown: Iterator[float | None] = iter(shares)
        last: list[float | None] = []

        def look(pause, cpus) -> Contention:
            pause(attempt.LOOK_S)
            last[:] = [next(shown, last[0] if last else None)]
            return Contention(seconds=attempt.LOOK_S, busy_share=last[0])

        monkeypatch.setattr(attempt, "look", look)
        monkeypatch.setattr(attempt.time, "monotonic", lambda: clock.now_s)

    return let


def paused(tmp_path, clock: Clock, **study) -> float | None:
    what = bench("a", design="aa", **study)
    window = Window(seconds=1)
    return Attempt(what, ("a",), tmp_path / "run", window)._pause(clock).busy_share


def test_on_a_quiet_machine_the_look_is_the_last_part_of_the_cooldown(seen, tmp_path):
    clock = Clock()
    seen(clock, 0.01)
    assert paused(tmp_path, clock, cooldown=2, foreign_share=0.05) == 0.01
    assert clock.now_s == 2


def test_a_run_waits_until_others_do_less(seen, tmp_path):
    clock = Clock()
    seen(clock, 0.9, 0.5, 0.06, 0.05)
    assert paused(tmp_path, clock, cooldown=0, foreign_share=0.05) == 0.05
    assert clock.now_s == 4 * attempt.LOOK_S


def test_patience_ends(seen, tmp_path):
    clock = Clock()
    seen(clock, 0.9)
    assert paused(tmp_path, clock, cooldown=0, foreign_share=0.05, patience=10) == 0.9
    assert 10 <= clock.now_s <= 10 + 2 * attempt.LOOK_S


def test_an_interrupt_ends_the_wait(seen, tmp_path):
    clock = Clock(interrupted_at_s=3)
    seen(clock, 0.9)
    paused(tmp_path, clock, cooldown=0, foreign_share=0.05, patience=1000)
    assert clock.now_s == 3


def test_a_kernel_that_does_not_say_is_not_waited_for(seen, tmp_path):
    clock = Clock()
    seen(clock, None)
    assert paused(tmp_path, clock, cooldown=0, foreign_share=0.05) is None
    assert clock.now_s == attempt.LOOK_S


# -- after it ----------------------------------------------------------------------------


class Ended:
    """A run that has come to its end."""

    def __init__(self, status: str, pipelines: Mapping[str, str]) -> None:
        self.status = status
        self.manifest = {"pipelines": {name: {"status": each} for name, each in pipelines.items()}}


@pytest.mark.parametrize(
    ("status", "tenant", "own", "foreign", "disturbed"),
    [
        ("done", "done", [], [], False),
        ("done", "done", [], ["Others used it."], True),
        ("done", "done", ["It was late."], [], False),
        ("done", "done", ["It was late."], ["Others used it."], False),
        ("failed", "failed", ["It fell over."], [], False),
        ("aborted", "running", ["The run was aborted."], [], True),
        ("aborted", "failed", ["The run was aborted.", "It fell over."], [], False),
        ("stopped", "stopped", ["The run was stopped."], ["Others used it."], True),
    ],
)
def test_only_what_came_from_outside_alone_disturbs_a_run(
    tmp_path, status, tenant, own, foreign, disturbed
):
    entry = ledger(bench("a", design="aa"), tmp_path).next()
    found = attempt._closed(entry, Ended(status, {"a": tenant}), own, foreign)
    assert found.reasons == (*own, *foreign)
    assert found.verdict == ("INVALID" if found.reasons else "VALID")
    assert found.disturbed == disturbed


def test_the_processors_of_a_run_are_those_of_the_pipelines_that_run(tmp_path):
    what = bench({"a": pipeline(), "b": pipeline(place={"cpus": [1]})})
    window = Window(seconds=1)
    assert Attempt(what, ("a",), tmp_path, window)._cpus() == (0,)
    assert Attempt(what, ("a", "b"), tmp_path, window)._cpus() == (0, 1)
