"""Counters, and how often a sensor publishes, on a clock that is told the time."""

from __future__ import annotations

import pytest

from mlbench.probes.accounts import Account
from mlbench.probes.counter import Counter
from mlbench.probes.power_sensor import publishing_periods

pytestmark = pytest.mark.unit


class Time:
    """A clock that only sleeping moves, and how much was slept."""

    def __init__(self) -> None:
        self.ns = 0

    def clock(self) -> int:
        return self.ns

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


def periods(time: Time, **publish_ms: float | None) -> dict[str, float]:
    """The periods that are found of sensors that publish so often; null for never."""

    def read(name: str) -> int | None:
        period = publish_ms[name]
        return None if period is None else int(time.ns / 1e6 / period)

    return dict(publishing_periods(tuple(publish_ms), read, time.clock, time.sleep))


def test_the_period_of_each_sensor_is_found() -> None:
    found = periods(Time(), a=100, b=20)
    assert found == {"a": pytest.approx(100, abs=2), "b": pytest.approx(20, abs=2)}


def test_looking_ends_after_a_second() -> None:
    time = Time()
    assert periods(time, a=900) == {}
    assert time.ns <= 1_010_000_000


def test_a_sensor_that_shows_nothing_is_not_waited_for() -> None:
    time = Time()
    assert periods(time, a=None) == {}
    assert time.ns < 10_000_000


def test_looking_is_over_as_soon_as_it_is_known() -> None:
    time = Time()
    periods(time, a=20)
    assert time.ns < 250_000_000


class TestACounter:
    def test_gives_nothing_the_first_time(self) -> None:
        assert Counter("c").reading(5, 10) is None

    def test_gives_the_increase_and_its_interval(self) -> None:
        counter = Counter("c")
        counter.reading(5, 10)
        row = counter.reading(8, 30, "gpu0", scale=0.5)
        assert row == ("c", 1.5, 30, 10, "gpu0", None, None)

    def test_that_was_reset_begins_anew(self) -> None:
        counter = Counter("c")
        counter.reading(50, 0)
        assert counter.reading(2, 1) is None
        assert counter.reading(7, 2) == ("c", 5, 2, 1, None, None, None)


class TestAnAccount:
    def test_forgets_who_has_ended_and_keeps_what_it_used(self) -> None:
        account = Account()
        account.add({1: 10, 2: 20})
        assert account.add({1: 12}) == 32
        assert account.last == {1: 12}
        assert account.add({1: 12, 2: 3}) == 35  # the number is used again

    def test_never_goes_backwards(self) -> None:
        account = Account()
        account.add({}, 15)
        assert account.add({}, 10) == 15
        assert account.add({}, 16) == 16
