"""Processes that belong together: by a variable that they inherited, or by their parent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlbench.store.process import children, inheritors

VARIABLE = "MLBENCH_TEST_OF_INHERITORS"


@contextmanager
def sleeper(value: str) -> Iterator[int]:
    """A process that has the variable, until the block ends."""
    child = subprocess.Popen(["/bin/sleep", "600"], env={VARIABLE: value})
    try:
        while not Path(f"/proc/{child.pid}/environ").read_bytes():
            continue  # the kernel is about to write it down
        yield child.pid
    finally:
        child.kill()
        child.wait()


def test_who_inherited_a_variable_is_found_by_its_whole_value() -> None:
    with sleeper("one") as one, sleeper("one more") as more:
        assert inheritors(VARIABLE, "one") == [one]
        assert inheritors(VARIABLE, "one more") == [more]
        assert inheritors(VARIABLE, "on") == []


def test_who_asks_is_not_among_them() -> None:
    code = f"from mlbench.store.process import inheritors\nprint(inheritors('{VARIABLE}', 'own'))"
    asked = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, VARIABLE: "own"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert asked.stdout == "[]\n"


def test_one_that_has_ended_is_not_found_though_nobody_waited_for_it() -> None:
    with sleeper("ends") as pid:
        assert pid in children()
        os.kill(pid, 9)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert pid not in children()
        assert inheritors(VARIABLE, "ends") == []
