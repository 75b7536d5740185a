"""The priority of a pipeline: what it is to the kernel, and who may have a high one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mlbench.check import Hardware, problems
from mlbench.errors import EngineError
from mlbench.machine.host_findings import judge_permissions
from mlbench.machine.permissions import (
    CAP_SYS_NICE,
    Permissions,
    may_have_high_priority,
    may_set_nice,
)
from mlbench.placements.cpus import ResolvedPlacement, pin
from mlbench.spec import Benchmark

unit = pytest.mark.unit
linux = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")

PIN = """
import os, sys
from mlbench.placements.cpus import ResolvedPlacement, pin
pin(ResolvedPlacement("cpu", (min(os.sched_getaffinity(0)),), 1, "high"))
print(os.getpriority(os.PRIO_PROCESS, 0))
"""


def bench(priority: str) -> Benchmark:
    pipeline = {
        "data": {"uses": "synthetic.items"},
        "place": {"device": "cpu", "priority": priority},
        "stages": {"step": {"uses": "synthetic.noop"}},
    }
    return Benchmark(name="b", pipelines={"p": pipeline})


@linux
@pytest.mark.skipif(not may_have_high_priority(), reason="needs the right to nice -10")
def test_high_priority_goes_before_whoever_is_not_nice():
    done = subprocess.run([sys.executable, "-c", PIN], capture_output=True, text=True, check=True)
    assert done.stdout == "-10\n"


@unit
@linux
def test_a_priority_that_is_refused_says_what_works(monkeypatch):
    def refuse(which: int, who: int, nice: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    here = tuple(sorted(os.sched_getaffinity(0)))
    with pytest.raises(EngineError, match="give the others priority: best_effort"):
        pin(ResolvedPlacement("cpu", here, 1, "high"))


@unit
@pytest.mark.parametrize("allowed", [True, False])
def test_a_spec_that_asks_for_it_is_held_against_the_right_to_it(allowed):
    hardware = Hardware(high_priority=lambda: allowed)
    assert problems(bench("best_effort"), hardware) == []
    found = problems(bench("high"), hardware)
    wrong = [] if allowed else ["pipelines.p.place.priority"]
    assert [problem.key for problem in found] == wrong
    assert all("SYS_NICE" in problem.hint for problem in found)


@unit
@pytest.mark.parametrize(
    ("capabilities", "limit", "may"),
    [
        (CAP_SYS_NICE, (0, 0), True),
        (0, (0, 0), False),
        (0, (29, 40), False),  # down to -9
        (0, (30, 40), True),
        (0, (-1, -1), True),
        (0, None, None),
    ],
)
def test_a_limit_of_n_allows_a_niceness_down_to_20_less_n(capabilities, limit, may):
    assert may_set_nice(-10, capabilities, limit) is may


@unit
def test_doctor_says_how_to_get_it():
    (finding,) = judge_permissions(Permissions(realtime=None, rapl=True, high_priority=False))
    assert (finding.subject, finding.status) == ("priority", "note")
    assert "nice -10" in finding.fix
