"""Before a run: the cooldown, and the wait for others to leave the machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from collocate_support import bench

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

        def look(pause) -> Contention:
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
