"""The deadlines of the sampler, and the names behind its codes."""

from __future__ import annotations

import pytest

from mlbench.engine.sampler_schedule import Lateness, Schedule
from mlbench.engine.sampler_tables import Tables
from mlbench.interfaces.probe import Metric

pytestmark = pytest.mark.unit

MS = 1_000_000


class TestASchedule:
    def test_has_deadlines_that_being_late_does_not_move(self) -> None:
        schedule = Schedule({"fast": 20.0}, origin_ns=1000 * MS)
        for late_ms in (0, 3, 49, 1):
            instant = schedule.next_ns
            assert instant is not None
            assert (instant - 1000 * MS) % (50 * MS) == 0
            assert schedule.due(instant + late_ms * MS) == ["fast"]
        assert schedule.next_ns == 1200 * MS
        assert schedule.missed == {"fast": 0}

    def test_begins_at_once_and_falls_into_step_with_every_other(self) -> None:
        early, later = (
            Schedule({"fast": 20.0}, origin_ns=1007 * MS),
            Schedule({"fast": 20.0}, origin_ns=1024 * MS),
        )
        assert early.due(1007 * MS) == later.due(1024 * MS) == ["fast"]
        assert early.next_ns == later.next_ns == 1050 * MS
        assert early.missed == later.missed == {"fast": 0}

    def test_counts_what_it_missed_and_does_not_make_up_for_it(self) -> None:
        schedule = Schedule({"fast": 20.0, "slow": 2.0}, origin_ns=0)
        assert schedule.due(0) == ["fast", "slow"]
        assert schedule.due(275 * MS) == ["fast"]
        assert schedule.missed == {"fast": 4, "slow": 0}
        assert schedule.next_ns == 300 * MS
        assert schedule.ticks == {"fast": 2, "slow": 1}

    def test_serves_tiers_together_whose_deadlines_are_the_same(self) -> None:
        schedule = Schedule({"fast": 20.0, "medium": 10.0}, origin_ns=0)
        served = [schedule.due(tick * 50 * MS) for tick in range(4)]
        assert served == [["fast", "medium"], ["fast"], ["fast", "medium"], ["fast"]]

    def test_is_not_due_before_its_time(self) -> None:
        schedule = Schedule({"fast": 20.0}, origin_ns=10 * MS)
        assert schedule.due(9 * MS) == []
        assert schedule.lateness.count == 0

    def test_is_as_late_as_somebody_woke_up_for_it_whenever_it_is_served(self) -> None:
        schedule = Schedule({"fast": 20.0}, origin_ns=0)
        assert schedule.due(60 * MS, woke_ns=1 * MS) == ["fast"]
        assert schedule.lateness.quantile_ns(1.0) == pytest.approx(1 * MS, rel=0.05)
        assert schedule.missed == {"fast": 1}
        assert schedule.next_ns == 100 * MS

    def test_leaves_out_tiers_that_have_nothing_to_read(self) -> None:
        schedule = Schedule({"fast": 20.0, "slow": 2.0}, origin_ns=0)
        schedule.keep(frozenset({"slow"}))
        assert schedule.due(600 * MS) == ["slow"]
        schedule.keep(frozenset())
        assert schedule.next_ns is None


class TestLateness:
    def test_has_quantiles_within_the_width_of_a_bin(self) -> None:
        lateness = Lateness()
        for late_us in range(1, 1001):
            lateness.add(late_us * 1000)
        assert lateness.quantile_ns(0.5) == pytest.approx(500_000, rel=0.05)
        assert lateness.quantile_ns(0.99) == pytest.approx(990_000, rel=0.05)

    def test_of_nothing_is_null(self) -> None:
        assert Lateness().quantile_ns(0.99) is None

    def test_of_several_lanes_counts_together(self) -> None:
        one, other = Lateness(), Lateness()
        one.add(1000)
        other.add(1_000_000)
        one.merge(other)
        assert one.count == 2
        assert one.quantile_ns(0.99) == pytest.approx(1_000_000, rel=0.05)


class TestTables:
    def test_codes_go_on_from_probe_to_probe(self) -> None:
        tables = Tables({"medium": 10.0})
        a, b, c = (Metric(name, "s", "a file") for name in "abc")
        assert tables.declare("first", (a, b)) == {"a": 0, "b": 1}
        assert tables.declare("second", (c,)) == {"c": 2}
        document = tables.document([])
        assert [metric["name"] for metric in document["metrics"]] == ["a", "b", "c"]
        assert document["metrics"][2]["probe"] == "second"
        assert document["metrics"][2]["rate_hz"] == 10

    def test_a_name_that_two_probes_have_is_an_error_that_names_both(self) -> None:
        tables = Tables({})
        tables.declare("first", (Metric("a", "s", "a file"),))
        with pytest.raises(ValueError, match="'a' is one of the probe 'first', too"):
            tables.declare("second", (Metric("a", "s", "a file"),))
        assert len(tables.document([])["metrics"]) == 1

    def test_a_device_has_one_code_whoever_names_it(self) -> None:
        tables = Tables({})
        assert [tables.device_code(name) for name in ("gpu0", "cpu0", "gpu0")] == [0, 1, 0]
