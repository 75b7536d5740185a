"""The last sweep: it ends whoever is found, a child or not, and is back when they are gone."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from threading import Timer

import pytest
from runs_support import wait_for_end

from mlbench.engine import guardian
from mlbench.engine.guardian import end_all
from mlbench.engine.process import MARKER, marked

LONG_S = 600.0


@pytest.fixture
def start() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts processes that would sleep for long."""
    started: list[subprocess.Popen[bytes]] = []

    def sleeper() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["/bin/sleep", str(LONG_S)]))
        return started[-1]

    yield sleeper
    for each in started:
        each.kill()
        each.wait()


Start = Callable[[], subprocess.Popen[bytes]]


def is_gone(pid: int) -> bool:
    return wait_for_end(pid, seconds=0)


def instead_of_kill(monkeypatch: pytest.MonkeyPatch, kill: Callable[[int, int], None]) -> None:
    monkeypatch.setattr(guardian.os, "kill", kill)


def test_who_is_no_child_has_ended_when_it_returns() -> None:
    orphan = subprocess.run(
        ["/bin/sh", "-c", "sleep 600 > /dev/null 2>&1 & echo $!"],
        env={**os.environ, MARKER: "an orphan"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert end_all(lambda: marked("an orphan")) == 1
    assert is_gone(int(orphan.stdout))


def test_who_takes_long_to_end_is_waited_for_and_counted_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = start()
    end = Timer(0.3, os.kill, (slow.pid, signal.SIGKILL))
    instead_of_kill(monkeypatch, lambda *_: None if end.ident else end.start())
    assert end_all(lambda: [] if is_gone(slow.pid) else [slow.pid]) == 1
    assert is_gone(slow.pid)
    end.join()


def test_who_is_started_meanwhile_ends_too(start: Start) -> None:
    first, second = start(), start()
    found = iter([[first.pid], [second.pid], []])
    assert end_all(lambda: next(found)) == 2
    assert is_gone(first.pid)
    assert is_gone(second.pid)


def test_who_is_gone_before_it_is_killed_is_no_error() -> None:
    with subprocess.Popen(["/bin/true"]) as ended:
        pass
    found = iter([[ended.pid], []])
    assert end_all(lambda: next(found)) == 1


def test_who_may_not_be_killed_is_not_waited_for(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError(pid, number)

    foreign = start()
    monkeypatch.setattr(guardian, "LEAVE_S", LONG_S)
    with monkeypatch.context() as patch:
        instead_of_kill(patch, refuse)
        assert end_all(lambda: [foreign.pid]) == 1
    assert foreign.poll() is None


def test_who_never_ends_does_not_hold_it_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    held = start()
    monkeypatch.setattr(guardian, "LEAVE_S", 0.05)
    with monkeypatch.context() as patch:
        instead_of_kill(patch, lambda pid, number: None)
        assert end_all(lambda: [held.pid]) == 1
    assert held.poll() is None
