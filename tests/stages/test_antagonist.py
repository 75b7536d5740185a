"""Antagonists: what the dial means, on a clock of the test, and that each one does its work."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from mlbench.errors import MlbenchError
from mlbench.interfaces.stage import Context
from mlbench.run import start
from mlbench.spec import Benchmark, load
from mlbench.stages.antagonist import dial
from mlbench.stages.antagonist.cpu import Cpu
from mlbench.stages.antagonist.device_memory import DeviceMemory
from mlbench.stages.antagonist.memory import Memory
from mlbench.stages.antagonist.sm import Sm

EXAMPLE = Path(__file__).parents[2] / "examples/antagonist_dial.yml"

Open = Callable[..., Any]


class World:
    """A clock that work and sleep move on."""

    def __init__(self, piece_ms: float) -> None:
        self.now_ns = 0
        self.piece_ms = piece_ms
        self.worked_ns = 0
        self.sleeps_s: list[float] = []

    def monotonic_ns(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.sleeps_s.append(seconds)
        self.now_ns += round(seconds * 1e9)

    def work(self) -> float:
        """One piece: three units."""
        self.now_ns += round(self.piece_ms * 1e6)
        self.worked_ns += round(self.piece_ms * 1e6)
        return 3.0


@pytest.fixture
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(getattr(request, "param", 0.5))
    monkeypatch.setattr(dial, "monotonic_ns", made.monotonic_ns)
    monkeypatch.setattr(dial.time, "sleep", made.sleep)
    return made


# -- the dial ----------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize("world", [0.1, 0.5, 3, 30], indirect=True)
@pytest.mark.parametrize("intensity", [0.01, 0.25, 0.5, 0.9])
def test_it_works_for_the_part_of_the_time_that_the_dial_says(
    world: World, intensity: float
) -> None:
    run_slice = dial.slices(world.work, intensity, 20, Context(), "rate")
    for _ in range(1000):
        run_slice(None)
    assert world.worked_ns / world.now_ns == pytest.approx(intensity, rel=0.05)


@pytest.mark.unit
def test_at_0_it_sleeps_and_at_1_it_never_does(world: World) -> None:
    nothing, everything = (
        dial.slices(world.work, intensity, 20, Context(), "rate") for intensity in (0, 1)
    )
    assert nothing(None) == {"rate": 0.0}
    assert (world.worked_ns, world.sleeps_s) == (0, [0.02])
    for _ in range(5):
        everything(None)
    assert world.worked_ns == world.now_ns - 20_000_000
    assert world.sleeps_s == [0.02]


@pytest.mark.unit
def test_a_slice_says_what_it_achieved_over_its_whole_length(world: World) -> None:
    context = Context()
    run_slice = dial.slices(world.work, 0.5, 20, context, "gb_per_s")
    expected = 20 * 3.0 / 0.02  # half of 20 ms in pieces of 0.5 ms
    assert run_slice(None) == {"gb_per_s": expected}
    assert [(name, value) for name, _, value in context.visit.events] == [("gb_per_s", expected)]


@pytest.mark.unit
@pytest.mark.parametrize("options", [{"intensity": 1.1}, {"intensity": -1}, {"slice_ms": 0}])
def test_a_dial_that_cannot_be_is_refused(options: dict[str, float]) -> None:
    for antagonist in (Cpu, Memory, Sm, DeviceMemory):
        with pytest.raises(ValidationError):
            antagonist.model_validate(options)


# -- the antagonists ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("antagonist", "rate"), [(Cpu, "gflop_per_s"), (Memory, "gb_per_s")], ids=["cpu", "memory"]
)
@pytest.mark.parametrize("threads", [1, 3])
def test_an_antagonist_does_nothing_at_0_and_something_above(
    opened: Open, antagonist: Any, rate: str, threads: int
) -> None:
    for intensity in (0.0, 0.3, 1.0):
        run_slice = opened(antagonist(intensity=intensity), Context(threads=threads))
        achieved = [run_slice(None)[rate] for _ in range(3)]
        assert (sum(achieved) > 0) is (intensity > 0)


def test_memory_is_walked_through_from_end_to_end(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[int] = []
    add = torch.add

    def noted(block: torch.Tensor, more: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        touched.append(out.data_ptr())
        return add(block, more, out=out)

    monkeypatch.setattr(torch, "add", noted)
    run_slice = opened(Memory(mib=8))
    while len(touched) < 8:
        run_slice(None)
    assert touched[:4] == [touched[0] + (index << 20) for index in range(4)]
    assert touched[4:8] == touched[:4]


@pytest.mark.unit
@pytest.mark.parametrize(("antagonist", "name"), [(Sm, "sm"), (DeviceMemory, "device_memory")])
def test_an_antagonist_of_a_gpu_says_that_it_needs_one(
    opened: Open, antagonist: Any, name: str
) -> None:
    with pytest.raises(MlbenchError, match=rf"antagonist.{name} works on a GPU.*device: cuda"):
        opened(antagonist())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(
    ("antagonist", "rate"), [(Sm, "gflop_per_s"), (DeviceMemory, "gb_per_s")], ids=["sm", "memory"]
)
def test_an_antagonist_of_a_gpu_achieves_more_with_the_dial(
    opened: Open, antagonist: Any, rate: str
) -> None:
    def mean(intensity: float) -> float:
        run_slice = opened(antagonist(intensity=intensity), Context(device="cuda:0"))
        return sum(run_slice(None)[rate] for _ in range(50)) / 50

    assert 0 == mean(0) < mean(0.3) < mean(1)


def test_the_example_runs_at_both_ends_of_the_dial(tmp_path: Path) -> None:
    data = load(EXAMPLE).model_dump(by_alias=True, exclude_unset=True)
    press = data["pipelines"].pop("press")
    for name, intensity in (("nothing", 0), ("everything", 1)):
        data["pipelines"][name] = copied = deepcopy(press)
        copied["stages"]["ask"]["with"] = {"intensity": intensity}
    run = start(Benchmark.model_validate({**data, "stop": {"seconds": 0.5}}), tmp_path).wait(100)
    assert run.status == "done"
    achieved = run.events().groupby("pipeline", observed=True)["value"].sum()
    assert achieved["nothing"] == 0 < achieved["everything"]
    assert set(run.events()["name"]) == {"gb_per_s"}
