"""How the processors are divided between the pipelines of a spec."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from mlbench.errors import EngineError
from mlbench.placements.cpus import (
    ResolvedPlacement,
    divide,
    environment,
    harness_cpus,
    is_apart,
    pin,
)
from mlbench.spec import Benchmark

unit = pytest.mark.unit

STEP = {"data": {"uses": "synthetic.items"}, "stages": {"step": {"uses": "synthetic.noop"}}}


def bench(**places: Mapping[str, Any]) -> Benchmark:
    pipelines = {name: {**STEP, "place": place} for name, place in places.items()}
    return Benchmark.model_validate({"name": "b", "pipelines": pipelines})


def cpus(placements: Mapping[str, ResolvedPlacement]) -> dict[str, tuple[int, ...]]:
    return {name: placement.cpus for name, placement in placements.items()}


@unit
def test_pipelines_get_nearly_equal_contiguous_shares_in_order_of_the_spec() -> None:
    placements = divide(bench(a={}, b={}, c={}), available=tuple(range(8)))
    assert cpus(placements) == {"a": (0, 1, 2), "b": (3, 4), "c": (5, 6, 7)}


@unit
def test_one_pipeline_gets_them_all() -> None:
    assert cpus(divide(bench(a={}), (2, 3, 5))) == {"a": (2, 3, 5)}


@unit
def test_explicit_processors_are_kept_and_the_others_divide_the_rest() -> None:
    placements = divide(bench(a={}, b={"cpus": [1, 0]}, c={}), (0, 1, 2, 3))
    assert cpus(placements) == {"a": (2,), "b": (1, 0), "c": (3,)}


@unit
def test_when_all_are_named_the_others_divide_all() -> None:
    placements = divide(bench(a={"cpus": [0, 1]}, b={}), (0, 1))
    assert cpus(placements) == {"a": (0, 1), "b": (0, 1)}
    assert placements["a"].shared
    assert placements["b"].shared


@unit
def test_a_core_is_not_split_where_there_are_enough() -> None:
    siblings = ((0, 4), (1, 5), (2, 6), (3, 7))
    placements = divide(bench(a={}, b={}), tuple(range(8)), siblings)
    assert cpus(placements) == {"a": (0, 1, 4, 5), "b": (2, 3, 6, 7)}


@unit
def test_a_core_is_split_where_there_are_more_pipelines_than_cores() -> None:
    placements = divide(bench(a={}, b={}, c={}, d={}), (0, 1, 2, 3), ((0, 2), (1, 3)))
    assert cpus(placements) == {"a": (0,), "b": (2,), "c": (1,), "d": (3,)}


@unit
def test_more_pipelines_than_processors_share_round_robin() -> None:
    placements = divide(bench(a={}, b={}, c={}), (0, 1))
    assert cpus(placements) == {"a": (0,), "b": (1,), "c": (0,)}
    assert [placement.shared for placement in placements.values()] == [True, False, True]


@unit
@pytest.mark.parametrize("pipelines", range(1, 12))
@pytest.mark.parametrize("processors", range(1, 10))
def test_shares_differ_by_one_and_what_is_left_over_is_the_harness_s(
    pipelines: int, processors: int
) -> None:
    names: dict[str, dict[str, Any]] = {f"p{index}": {} for index in range(pipelines)}
    available = tuple(range(processors))
    places = divide(bench(**names), available)
    shares = list(cpus(places).values())
    sizes = [len(share) for share in shares]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1
    taken = {cpu for share in shares for cpu in share}
    left = set(available) - taken
    assert left == ({processors - 1} if processors >= 4 * pipelines else set())
    assert harness_cpus(places, available) == (processors - 1,)


@unit
def test_the_core_that_is_left_to_the_harness_is_whole() -> None:
    siblings = ((0, 4), (1, 5), (2, 6), (3, 7))
    places = divide(bench(a={}), tuple(range(8)), siblings)
    assert places["a"].cpus == (0, 1, 2, 4, 5, 6)
    assert harness_cpus(places, tuple(range(8)), siblings) == (3, 7)


@unit
def test_the_harness_has_what_no_pipeline_of_the_spec_has() -> None:
    places = divide(bench(a={"cpus": [1]}, b={"cpus": [1, 2]}), (0, 1, 2, 3))
    assert harness_cpus(places, (0, 1, 2, 3)) == (0, 3)
    assert harness_cpus({}, (0, 1)) == (0, 1)


@unit
def test_the_harness_keeps_off_the_other_threads_of_a_pipeline_s_cores() -> None:
    siblings = ((0, 4), (1, 5), (2, 6), (3, 7))
    places = divide(bench(a={"cpus": [0, 1, 2]}), tuple(range(8)), siblings)
    assert harness_cpus(places, tuple(range(8)), siblings) == (3, 7)
    assert is_apart(places, (3, 7), siblings)
    places = divide(bench(a={"cpus": [0, 1, 2, 3]}), tuple(range(8)), siblings)
    assert harness_cpus(places, tuple(range(8)), siblings) == (4, 5, 6, 7)
    assert not is_apart(places, (4, 5, 6, 7), siblings)


@unit
def test_where_every_core_is_taken_the_harness_has_the_last_one_whichever_pipelines_run() -> None:
    siblings = ((0, 2), (1, 3))
    places = divide(bench(a={}, b={}), (0, 1, 2, 3), siblings)
    assert cpus(places) == {"a": (0, 2), "b": (1, 3)}
    assert harness_cpus(places, (0, 1, 2, 3), siblings) == (1, 3)


@unit
def test_a_spec_without_pipelines_divides_nothing() -> None:
    assert divide(bench(), (0, 1)) == {}


@unit
def test_threads_are_as_many_as_processors_unless_named() -> None:
    placements = divide(bench(a={}, b={"threads": 1}), (0, 1, 2, 3))
    assert [placement.threads for placement in placements.values()] == [2, 1]


@unit
@pytest.mark.parametrize(
    ("device", "gpus", "resolved"),
    [
        ("auto", 0, "cpu"),
        ("auto", 2, "cuda:0"),
        ("cuda", 1, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
        ("cpu", 2, "cpu"),
    ],
)
def test_the_device_is_resolved(device: str, gpus: int, resolved: str) -> None:
    assert divide(bench(a={"device": device}), (0,), gpus=gpus)["a"].device == resolved


@unit
def test_threads_that_may_wait_for_each_other_wait_passively() -> None:
    assert environment(ResolvedPlacement("cpu", (0, 1), 2, "normal")) == {
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "PASSIVE",
    }


@unit
def test_one_thread_waits_passively_only_where_others_want_its_processor() -> None:
    alone = environment(ResolvedPlacement("cpu", (0,), 1, "normal"))
    shared = environment(ResolvedPlacement("cpu", (0,), 1, "normal", shared=True))
    assert "OMP_WAIT_POLICY" not in alone
    assert shared["OMP_WAIT_POLICY"] == "PASSIVE"


@unit
def test_cuda_numbers_gpus_as_nvml_does() -> None:
    variables = environment(ResolvedPlacement("cuda:1", (0,), 1, "normal"))
    assert variables["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


linux = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")

PIN = """
import os, sys
from mlbench.placements.cpus import ResolvedPlacement, pin
pin(ResolvedPlacement("cpu", ({cpu},), 1, "{priority}"))
print(sorted(os.sched_getaffinity(0)), os.getpriority(os.PRIO_PROCESS, 0))
"""


@linux
@pytest.mark.parametrize("priority", ["normal", "best_effort"])
def test_a_process_is_pinned_and_best_effort_is_nice(priority: str) -> None:
    cpu = max(os.sched_getaffinity(0))
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    code = PIN.format(cpu=cpu, priority=priority)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = max(nice, 10) if priority == "best_effort" else nice
    assert done.stdout.split("] ") == [f"[{cpu}", f"{expected}\n"]


@linux
@pytest.mark.parametrize("extra", [(), (0,)])
def test_processors_that_are_not_there_are_refused(
    monkeypatch: pytest.MonkeyPatch, extra: tuple[int, ...]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(os, "sched_setaffinity", refuse_unless_any_is({0}))
    with pytest.raises(EngineError, match=r"this process has \[0\]"):
        pin(ResolvedPlacement("cpu", (*extra, 9000), 1, "normal"))


def refuse_unless_any_is(usable: set[int]) -> Any:
    """The kernel's way: it takes what is usable, and refuses only if nothing is."""

    def set_affinity(_: int, wanted: set[int]) -> None:
        if not usable & wanted:
            raise OSError(22, "Invalid argument")

    return set_affinity
