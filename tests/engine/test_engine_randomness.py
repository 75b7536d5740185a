"""Randomness derives from (query, stage, visit): never from what ran before, or beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from support import EXECUTIONS, in_both, query, rig, run

from mlbench.interfaces.stage import Context, DataSource, Payload, Ref, Resource, Stage

pytestmark = pytest.mark.unit


class Draw(Stage):
    """Appends a number that it draws."""

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        draw = context.randomness()
        yield lambda payload: [*(payload if isinstance(payload, list) else []), draw().random()]


class DrawnItems(DataSource):
    """Items that are drawn when they are asked for, as an augmentation in a data set is."""

    @contextmanager
    def open(self, context: Context) -> Iterator[Sequence[Payload]]:
        draw = context.randomness()

        class Drawn(Sequence[float]):
            def __len__(self) -> int:
                return 1000

            def __getitem__(self, index: Any) -> Any:
                return draw().random()

        yield Drawn()


class Dice(Resource):
    """Something shared that draws."""

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[], Random]]:
        yield context.randomness()


class Throw(Stage):
    """Asks the dice."""

    dice: Ref

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        dice = context.resource(self.dice)
        yield lambda payload: [*(payload if isinstance(payload, list) else []), dice().random()]


LOOP = {
    "in": {"to": "draw"},
    "draw": {"uses": Draw, "to": "also", "max_visits": 3, "then": "out"},
    "also": {"uses": Draw, "to": "draw"},
    "out": {},
}
CHAIN = {"a": {"uses": Draw, "to": "b"}, "b": {"uses": Draw}}


def drawn(
    stages: dict[str, Any], numbers: Sequence[int], execution: str = "serial", **more: Any
) -> dict[int, Any]:
    """What each query's sinks gave."""
    ran = run(stages, [query(number) for number in numbers], execution, **more)
    return {number: ran.said(number) for number in numbers}


@in_both
class TestAChoice:
    def test_is_the_same_whatever_ran_before(self, execution):
        some = drawn(CHAIN, range(20), execution)
        assert drawn(CHAIN, range(19, -1, -1), execution) == some
        assert drawn(CHAIN, [7], execution) == {7: some[7]}

    def test_is_another_for_each_query_stage_and_visit(self, execution):
        said = drawn(LOOP, range(10), execution)
        numbers = [number for each in said.values() for number in each["out"]]
        assert len(numbers) == len(set(numbers)) == 10 * 6

    def test_is_the_same_in_a_second_run(self, execution):
        assert drawn(LOOP, range(10), execution) == drawn(LOOP, range(10), execution)

    @pytest.mark.parametrize("other", [{"seed": 8}, {"block": 1}])
    def test_is_another_in_another_block_and_with_another_seed(self, execution, other):
        one, two = drawn(CHAIN, range(5), execution), drawn(CHAIN, range(5), execution, **other)
        assert all(one[number] != two[number] for number in range(5))

    def test_does_not_depend_on_the_other_stages(self, execution):
        alone = drawn({"a": {"uses": Draw}}, range(5), execution)
        beside = {"pre": {"uses": Draw, "to": "drop"}, "drop": {"to": "a"}, "a": {"uses": Draw}}
        last = drawn(beside, range(5), execution)
        assert [last[n]["a"][-1] for n in range(5)] == [alone[n]["a"][0] for n in range(5)]


@pytest.mark.parametrize("workers", [1, 3])
def test_serial_and_pipelined_execution_choose_alike(workers):
    pipelined = {name: {**stage, "workers": workers} for name, stage in LOOP.items()}
    assert drawn(pipelined, range(30), "pipelined") == drawn(LOOP, range(30))


class TestADataSet:
    def test_draws_for_the_query_that_it_is_asked_for(self):
        numbers = [3, 1, 4, 15, 9, 2, 6]
        stages = {"a": {}}
        one = drawn(stages, numbers, data=DrawnItems)
        assert len({each["a"] for each in one.values()}) == len(numbers)
        for execution in EXECUTIONS:
            assert drawn(stages, sorted(numbers), execution, data=DrawnItems) == one

    def test_draws_alike_with_several_workers(self):
        stages = {"a": {"workers": 4}}
        one = drawn({"a": {}}, range(40), data=DrawnItems)
        assert drawn(stages, range(40), "pipelined", data=DrawnItems) == one


class TestAResource:
    PIPELINE = {"resources": {"dice": {"uses": Dice}}}
    THROW = {"uses": Throw, "with": {"dice": "$dice"}}

    def test_draws_for_the_query_and_visit_of_the_stage_that_asks_it(self):
        stages = {
            "in": {"to": "a"},
            "a": {**self.THROW, "to": "b", "max_visits": 3, "then": "out"},
            "b": {"to": "a"},
            "out": {},
        }
        one = drawn(stages, range(10), **self.PIPELINE)
        numbers = [number for each in one.values() for number in each["out"]]
        assert len(numbers) == len(set(numbers)) == 30
        assert drawn(stages, range(10), "pipelined", **self.PIPELINE) == one
        assert drawn(stages, [4], **self.PIPELINE) == {4: one[4]}


@in_both
def test_the_warm_up_has_choices_of_its_own_and_changes_none(execution):
    with rig(CHAIN, execution) as made:
        made.run([query(-1), query(-2)])
        ran = made.run(3)
    assert {n: ran.said(n) for n in range(3)} == drawn(CHAIN, range(3), execution)
