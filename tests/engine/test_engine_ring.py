"""The ring: what was packed whole is read once, in order, whatever became of the writer."""

from __future__ import annotations

import struct
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbench.engine import ring as module
from mlbench.engine.ring import CHUNK_ROWS, RecordsFullError, Ring

pytestmark = pytest.mark.unit


def values(ring: Ring, final: bool = False) -> list[int]:
    """The first field of each row that is there to be taken."""
    return ring.take(final)[:, 0].tolist()


def die_with(ring: Ring) -> int:
    """Take a row's number and never pack it, as a thread that was killed there."""
    return next(ring.numbers)


class TestRows:
    def test_are_taken_once_and_in_order(self):
        ring = Ring("q", 8)
        for value in (5, 3, 4):
            ring.put(value)
        assert values(ring) == [5, 3, 4]
        assert values(ring) == []
        ring.put(9)
        assert values(ring) == [9]

    def test_are_held_until_they_are_taken(self):
        ring = Ring("q", 4)
        for lap in range(3):
            assert not ring.holds(1), lap
            for value in range(3):
                ring.put(value)
            assert [ring.holds(rows) for rows in (1, 2, 3, 4)] == [True, True, True, False]
            ring.take()

    def test_are_not_held_before_they_are_whole(self):
        ring = Ring("q", 4)
        number = die_with(ring)
        assert not ring.holds(1)
        ring.fill(number, 7)
        assert ring.holds(1)

    def test_end_with_their_number_plus_one(self):
        ring = Ring("qq", 8)
        assert [ring.put(7, 8), ring.put(9, 10)] == [0, 1]
        assert ring.take().tolist() == [[7, 8, 1], [9, 10, 2]]

    def test_hold_floats_as_their_bits(self):
        ring = Ring("qd", 8)
        ring.put(1, 2.5)
        assert ring.take()[:, 1].copy().view("float64").tolist() == [2.5]

    def test_are_copies_that_later_rows_do_not_change(self):
        ring = Ring("q", 2)
        ring.put(1)
        taken = ring.take()
        for value in (2, 3):
            ring.put(value)
        assert taken[:, 0].tolist() == [1]

    def test_take_slots_again_that_were_taken(self):
        ring = Ring("q", 4)
        for lap in range(10):
            for value in range(3):
                ring.put(10 * lap + value)
            assert values(ring) == [10 * lap + value for value in range(3)]

    @pytest.mark.parametrize("slots", [CHUNK_ROWS // 2, CHUNK_ROWS, 4 * CHUNK_ROWS])
    def test_may_fill_the_ring_from_any_place_in_it(self, slots):
        ring = Ring("q", slots)
        for shift in (0, 1, slots // 2 - 1, slots - 1):
            for value in range(shift):
                ring.put(value)
            assert len(values(ring)) == shift
            for value in range(slots):
                ring.put(value)
            assert values(ring) == list(range(slots))

    def test_are_as_many_as_a_power_of_two(self):
        with pytest.raises(ValueError, match="power of two"):
            Ring("q", 6)


class TestAnIncompleteRow:
    def test_stops_the_reader_until_it_is_packed(self):
        ring = Ring("q", 8)
        ring.put(1)
        number = next(ring.numbers)
        ring.put(3)
        assert values(ring) == [1]
        assert values(ring) == []
        ring.fill(number, 2)
        assert values(ring) == [2, 3]

    def test_is_one_whose_number_is_not_there_yet(self):
        """A process that dies in the middle of a row leaves its last field."""
        ring = Ring("qq", 8)
        ring.put(1, 1)
        number = die_with(ring)
        struct.pack_into("@qq", ring.buffer, ring.base + number * ring.width, 2, 2)
        assert values(ring) == [1]
        assert values(ring, final=True) == []

    def test_is_not_taken_for_the_row_that_was_in_its_slot_before(self):
        ring = Ring("q", 2)
        for value in (1, 2):
            ring.put(value)
        assert values(ring) == [1, 2]
        die_with(ring)
        ring.put(4)
        assert values(ring) == []
        assert values(ring, final=True) == [4]

    def test_is_passed_over_when_the_writer_is_gone(self):
        ring = Ring("q", 16)
        for value in range(8):
            if value in (0, 3, 4):
                die_with(ring)
            else:
                ring.put(value)
        assert values(ring) == []
        assert values(ring, final=True) == [1, 2, 5, 6, 7]

    @pytest.mark.parametrize("before", [0, 7, 14, 15])
    def test_is_passed_over_at_the_end_of_the_memory_too(self, before):
        """The slot before the wrap stands alone in what is looked at at once."""
        ring = Ring("q", 16)
        for value in range(before):
            ring.put(value)
        values(ring)
        die_with(ring)
        for value in (1, 2, 3):
            ring.put(value)
        assert values(ring, final=True) == [1, 2, 3]

    def test_may_be_one_of_many_in_sequence(self):
        ring = Ring("q", 4 * CHUNK_ROWS)
        ring.put(1)
        for _ in range(CHUNK_ROWS - 1):
            die_with(ring)
        ring.put(2)
        assert values(ring, final=True) == [1, 2]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 20), max_size=30), st.sampled_from([4, 16, 64]))
def test_whatever_is_put_and_taken_comes_out_once_and_in_order(bursts, slots):
    ring, put, taken = Ring("q", slots), [], []
    for burst in bursts:
        for _ in range(min(burst, slots)):
            put.append(ring.put(len(put)))
        taken += values(ring)
    assert taken == put


class TestAFullRing:
    @pytest.fixture
    def ring(self):
        ring = Ring("q", 4)
        for value in range(4):
            ring.put(value)
        return ring

    def test_makes_the_writer_wait_until_rows_were_taken(self, ring, monkeypatch):
        taken = []

        def recorder_takes(seconds: float) -> None:
            taken.extend(values(ring))

        monkeypatch.setattr(module.time, "sleep", recorder_takes)
        ring.put(4)
        assert taken == [0, 1, 2, 3]
        assert values(ring) == [4]

    def test_counts_the_time_that_it_made_somebody_wait(self, ring, monkeypatch):
        clock = [0]

        def sleep(seconds: float) -> None:
            clock[0] += 3_000_000_000
            values(ring)

        monkeypatch.setattr(module.time, "sleep", sleep)
        monkeypatch.setattr(module.time, "monotonic_ns", lambda: clock[0])
        ring.put(4)
        assert ring.stalled_ns == 3_000_000_000

    def test_ends_the_pipeline_rather_than_drop_a_row(self, ring, monkeypatch):
        clock = [0]

        def sleep(seconds: float) -> None:
            clock[0] += 1_000_000_000

        monkeypatch.setattr(module.time, "sleep", sleep)
        monkeypatch.setattr(module.time, "monotonic_ns", lambda: clock[0])
        with pytest.raises(RecordsFullError, match="took no record for 10 s"):
            ring.put(4)
        assert values(ring) == [0, 1, 2, 3]

    def test_does_not_wait_where_rows_were_taken_meanwhile(self, ring, monkeypatch):
        def never(seconds: float) -> None:
            raise AssertionError("it waited")

        monkeypatch.setattr(module.time, "sleep", never)
        values(ring)
        ring.put(4)
        assert ring.stalled_ns == 0


class TestAThreadAloneWithItsRing:
    def test_goes_on_where_the_numbers_were(self):
        ring = Ring("q", 8)
        ring.put(5)
        numbers = ring.alone()
        assert numbers.next == 1
        assert [ring.put(6), numbers.next, next(ring.numbers), numbers.next] == [1, 2, 2, 3]

    def test_may_count_by_itself_and_put_the_next_number_back(self):
        ring = Ring("q", 8)
        numbers = ring.alone()
        for number in range(numbers.next, 3):
            ring.fill(number, 10 * number)
        numbers.next = 3
        ring.put(30)
        assert values(ring) == [0, 10, 20, 30]

    def test_has_the_same_numbers_in_each_of_its_functions(self):
        ring = Ring("q", 8)
        assert ring.alone() is ring.alone()


@pytest.mark.parametrize("value", [0, -1, 2**30, 2**60, 2**63 - 1, -(2**63)])
def test_a_field_holds_64_bits(value):
    ring = Ring("qq", 2)
    ring.put(value, -value if value > 0 else 0)
    assert ring.take()[0].tolist() == [value, -value if value > 0 else 0, 1]


def test_a_field_that_does_not_fit_is_an_error():
    with pytest.raises(struct.error):
        Ring("q", 2).put(2**63)


def test_the_table_is_the_rows_alone():
    ring = Ring("q", 4)
    ring.put(7)
    assert struct.unpack_from("@qq", ring.table, 0) == (7, 1)
    assert len(ring.table) == ring.slots * ring.width


def test_threads_share_a_ring_without_a_lock():
    ring, each, threads = Ring("qq", 1 << 12), 500, []
    start = threading.Barrier(4)

    def write(writer: int) -> None:
        start.wait()
        for value in range(each):
            ring.put(writer, value)

    for writer in range(4):
        threads.append(threading.Thread(target=write, args=(writer,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    rows = ring.take().tolist()
    assert [mark for _, _, mark in rows] == list(range(1, 4 * each + 1))
    for writer in range(4):
        assert [value for who, value, _ in rows if who == writer] == list(range(each))
