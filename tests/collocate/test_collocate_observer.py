"""The observer effect: which runs are made, and what is made of what they achieved."""

from __future__ import annotations

import pytest

from mlbench.collocation.observer import RATES_HZ, blocks_of, effects, observer_effect
from mlbench.errors import EngineError


@pytest.mark.unit
class TestBlocks:
    def test_have_one_run_of_each_in_a_random_order_that_is_repeatable(self) -> None:
        found = list(blocks_of(20))
        orders = [tuple(rate for block, rate in found if block == n) for n in range(20)]
        assert all(set(order) == {None, *RATES_HZ} for order in orders)
        assert len(set(orders)) > 1
        assert found == list(blocks_of(20))


@pytest.mark.unit
class TestEffects:
    def test_are_what_was_done_without_over_what_was_done_with(self) -> None:
        (found,) = effects([[10.0] * 100, [20.0] * 100], {10.0: [[8.0] * 100, [16.0] * 100]})
        assert found.mean.estimate == pytest.approx(1.25)
        assert found.mean.low == pytest.approx(1.25)
        assert found.slowest is not None
        assert found.slowest.estimate == pytest.approx(1.25)

    def test_of_pauses_show_in_the_slowest_slices(self) -> None:
        paused = [10.0] * 180 + [5.0] * 20
        (found,) = effects([[10.0] * 200] * 2, {100.0: [paused] * 2})
        assert found.mean.estimate == pytest.approx(200 / 190)
        assert found.slowest is not None
        assert found.slowest.estimate == pytest.approx(2)

    def test_of_one_block_have_no_interval(self) -> None:
        (found,) = effects([[10.0] * 20], {10.0: [[10.0] * 20]})
        assert (found.mean.low, found.mean.high) == (None, None)

    def test_are_null_where_nothing_was_done_for_a_while(self) -> None:
        held_up = [0.0] * 60 + [10.0] * 40
        (found,) = effects([[10.0] * 100], {10.0: [held_up]})
        assert found.slowest is None
        assert found.to_dict()["slowdown"]["slowest"] is None

    def test_of_a_pipeline_that_did_nothing_are_an_error(self) -> None:
        with pytest.raises(EngineError, match="did no work"):
            effects([[0.0] * 20], {10.0: [[1.0] * 20]})


def test_the_reference_pipeline_is_run_once_for_each() -> None:
    told: list[str] = []
    found = observer_effect(blocks=1, seconds=0.3, rates_hz=[100], told=told.append)
    assert [each.rate_hz for each in found] == [100]
    assert found[0].mean.estimate > 0
    assert sorted(told) == ["block 1 of 1: a sampler at 100 Hz", "block 1 of 1: no sampler"]
