"""How a worker is driven: closed loops pace themselves, open ones read their inbox."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from time import monotonic_ns
from typing import Any

import pytest
from support import (
    NOOP,
    Clock,
    Completion,
    Ran,
    Rig,
    Told,
    again_until,
    items_of,
    query,
    rig,
    wait_for,
)

from mlbench.engine.bounds import Bounds
from mlbench.engine.inbox import Inbox
from mlbench.engine.page import Command, Page, Slot
from mlbench.engine.serve import ClosedLoop, OpenLoop, Watch, serial_closed, serial_open
from mlbench.engine.wire import Mail, mail, pipe
from mlbench.interfaces.stage import stage
from mlbench.records import Outcome

pytestmark = pytest.mark.unit

DONE = Outcome.DONE


@pytest.fixture
def ends():
    """A worker's inbox: read end and write end."""
    read, write = pipe()
    yield read, write
    os.close(read)
    os.close(write)


def post(fd: int, *numbers: int) -> None:
    """Dispatch queries; a negative number is a `Mail`."""
    for number in numbers:
        os.write(fd, mail(number) if number < 0 else mail(*query(number)[:4]))


class TestASerialClosedLoop:
    def drive(
        self, bounds: Bounds, stages: Any = None, watch: Watch | None = None
    ) -> tuple[Ran, int, int]:
        with rig(stages or {"a": {}}) as made:
            items, begin = count(100), monotonic_ns()
            end, queries = serial_closed(made.serial, items, bounds, begin, made.page, watch)
            return made.read(), end, queries

    def test_starts_a_query_when_the_one_before_has_ended(self):
        ran, _, queries = self.drive(Bounds(most=5))
        assert queries == 5
        ended = [ran.ended(number) for number in range(5)]
        assert [each.due for each in ended[1:]] == [each.done for each in ended[:-1]]
        assert all(each.sent >= each.due for each in ended)
        assert [each.received for each in ended] == [each.sent for each in ended]

    def test_takes_one_item_after_the_other(self):
        ran, _, _ = self.drive(Bounds(most=3))
        assert [ran.ended(number).item for number in range(3)] == [100, 101, 102]

    def test_ends_when_the_last_query_does(self):
        ran, end, _ = self.drive(Bounds(most=3))
        assert end == ran.ended(2).done

    def test_starts_none_from_its_last_instant_on(self):
        assert self.drive(Bounds(latest_ns=0))[1:] == (0, 0)

    def test_goes_on_over_failing_queries(self):
        stages = {"a": {"uses": "synthetic.fail", "with": {"every": 2}}}
        ran, _, _ = self.drive(Bounds(most=4), stages)
        assert ran.outcomes == [DONE, Outcome.FAILED] * 2

    def test_ends_by_command_between_two_queries(self):
        with rig({"a": NOOP}) as made:

            def stops(item: int) -> int:
                if item == 2:
                    made.page.cells[Slot.COMMAND] = Command.STOP
                return item

            made.pipeline.steps[0].call = stops
            _, queries = serial_closed(
                made.serial, count(), Bounds(), monotonic_ns(), made.page, None
            )
            assert made.read().outcomes == [DONE] * 3
        assert queries == 3

    def test_ends_at_its_limit_of_time_though_a_query_takes_longer(self, monkeypatch):
        clock = Clock()
        for name in ("chain", "serve"):
            monkeypatch.setattr(f"mlbench.engine.{name}.clock", clock)

        @stage
        def takes(payload: object) -> object:
            clock.advance(4)
            return payload

        begin = clock()
        with rig({"a": takes}) as made:
            bounds = Bounds(latest_ns=begin + 10_000_000_000)
            end, queries = serial_closed(made.serial, count(), bounds, begin, made.page, None)
            assert made.read().outcomes == [DONE] * 3
        assert queries == 3
        assert end == begin + 10_000_000_000


class TestASerialOpenLoop:
    def test_takes_queries_until_it_is_told_that_no_further_one_comes(self, ends):
        post(ends[1], 0, 1, 2, Mail.STOP)
        with rig({"a": {}}) as made:
            serial_open(made.serial, made.records, ends[0], made.page, None)
            assert made.read().outcomes == [DONE] * 3
            assert made.page.cells[Slot.RECEIVED] == 3

    def test_stamps_when_it_received_them(self, ends):
        post(ends[1], 0, 1, Mail.STOP)
        before = monotonic_ns()
        with rig({"a": {}}) as made:
            serial_open(made.serial, made.records, ends[0], made.page, None)
            ran = made.read()
        assert ran.ended(0).received == ran.ended(1).received >= before
        assert ran.ended(1).started is not None

    def test_minds_no_other_mail(self, ends):
        post(ends[1], Mail.WAKE, 0, Mail.WAKE, Mail.STOP)
        with rig({"a": {}}) as made:
            serial_open(made.serial, made.records, ends[0], made.page, None)
            assert made.read().outcomes == [DONE]


class Closed:
    """A closed loop around a pipelined executor."""

    def __init__(self, made: Rig, bounds: Bounds, concurrency: int) -> None:
        self.over = Told()
        self.begin_ns = monotonic_ns()
        self.executor = made.pipelined
        page = made.page
        self.loop = ClosedLoop(count(), bounds, page, None, lambda: self.over.append("over"))
        self.executor.serve(self.loop.finished)
        self.executor.start()
        self.loop.begin(self.executor, self.begin_ns, concurrency)

    def wait(self) -> None:
        wait_for(self.over.came)
        self.executor.stop()
        assert self.over == ["over"]


class TestAPipelinedClosedLoop:
    def test_keeps_its_number_of_queries_in_flight(self):
        three = threading.Barrier(3, timeout=20)
        lock, present, most = threading.Lock(), 0, 0

        @stage
        def meets(number: int) -> int:
            nonlocal present, most
            with lock:
                present += 1
                most = max(most, present)
            three.wait()
            with lock:
                present -= 1
            return number

        with rig({"a": {"uses": meets, "workers": 5}}, "pipelined") as made:
            closed = Closed(made, Bounds(most=12), 3)
            closed.wait()
            ran = made.read()
        assert most == 3
        assert ran.outcomes == [DONE] * 12
        assert closed.loop.sent == 12

    def test_makes_a_query_due_when_a_slot_gets_free(self):
        with rig({"a": {"to": "b"}, "b": {}}, "pipelined") as made:
            closed = Closed(made, Bounds(most=30), 4)
            closed.wait()
            ran = made.read()
        due = [ran.ended(number).due for number in range(30)]
        done = {each.done for each in ran.completions}
        later = [instant for instant in due if instant != closed.begin_ns]
        assert len(later) == 26, "four at the beginning, though the first may be done meanwhile"
        assert set(later) <= done
        assert len(set(later)) == 26, "one slot for each"

    def test_takes_one_item_after_the_other(self):
        with rig({"a": {"workers": 3}}, "pipelined") as made:
            Closed(made, Bounds(most=30), 3).wait()
            ran = made.read()
        assert [ran.ended(number).item for number in range(30)] == list(range(30))

    @pytest.mark.parametrize(("most", "concurrency"), [(1, 1), (2, 5), (5, 5), (50, 7)])
    def test_is_over_once_when_every_query_has_ended(self, most, concurrency):
        with rig({"a": {"to": "b", "workers": 2}, "b": {}}, "pipelined") as made:
            closed = Closed(made, Bounds(most=most), concurrency)
            closed.wait()
            assert made.read().outcomes == [DONE] * most
        assert closed.loop.load_end_ns is not None

    def test_without_time_starts_nothing_and_is_over(self):
        with rig({"a": {}}, "pipelined") as made:
            closed = Closed(made, Bounds(latest_ns=1), 3)
            closed.wait()
        assert (closed.loop.sent, closed.loop.load_end_ns) == (0, 1)

    def test_is_not_over_before_its_first_queries_were_started(self):
        """The first query ends the load by itself while the second is not yet started."""
        with rig({"a": NOOP}, "pipelined") as made:
            first_over = threading.Event()

            class Items(Iterator[int]):
                def __init__(self) -> None:
                    self.number = -1

                def __next__(self) -> int:
                    self.number += 1
                    return self.number

            over, executor, page = Told(), made.pipelined, made.page
            begin = monotonic_ns()
            bounds = Bounds(latest_ns=begin + 1)  # the barrier is in time, all later instants not
            loop = ClosedLoop(Items(), bounds, page, None, lambda: over.append("over"))
            admit = executor.admit

            def admits_and_waits(given: Any) -> None:
                admit(given)
                if given[0] == 0:
                    wait_for(first_over)

            def finished(flight: Any) -> None:
                loop.finished(flight)
                first_over.set()

            executor.admit = admits_and_waits  # type: ignore[method-assign]
            executor.serve(finished)
            executor.start()
            loop.begin(executor, begin, 2)
            wait_for(over.came)
            executor.stop()
            assert over == ["over"]
            assert made.read().outcomes == [DONE] * loop.sent == [DONE] * 2

    def test_ends_by_command_when_what_is_in_flight_has_ended(self):
        with rig({"a": {}}, "pipelined") as made:

            def stops(item: int) -> int:
                if item == 5:
                    made.page.cells[Slot.COMMAND] = Command.STOP
                return item

            made.pipeline.steps[0].call = stops
            closed = Closed(made, Bounds(), 2)
            closed.wait()
            ran = made.read()
        assert ran.outcomes == [DONE] * closed.loop.sent
        assert closed.loop.sent >= 6

    def test_goes_on_when_cancelled_queries_free_their_slots(self):
        inside, go = threading.Event(), threading.Event()

        @stage
        def gate(number: int) -> int:
            inside.set()
            wait_for(go)
            return number

        with rig({"a": gate}, "pipelined") as made:
            closed = Closed(made, Bounds(), 3)
            wait_for(inside)
            made.page.cells[Slot.COMMAND] = Command.CANCEL
            closed.executor.cancel()
            go.set()
            closed.wait()
            assert made.read().outcomes == [Outcome.CANCELLED] * 3


@contextmanager
def open_loop(
    made: Rig, ends: tuple[int, int], watch: Watch | None = None
) -> Iterator[Callable[[], None]]:
    """An open loop around a pipelined executor; gives what waits until it is over."""
    over, executor = Told(), made.pipelined
    loop = OpenLoop(made.page, watch, lambda: over.append("over"))
    loop.feed(executor, *ends)
    executor.serve(loop.finished)
    executor.start()
    yield lambda: wait_for(over.came)
    wait_for(over.came)
    executor.stop()
    assert over == ["over"]


class TestAPipelinedOpenLoop:
    @pytest.mark.parametrize("workers", [1, 3])
    def test_takes_queries_until_it_is_told_that_no_further_one_comes(self, ends, workers):
        stages = {"a": {"to": "b", "workers": workers}, "b": {}}
        with rig(stages, "pipelined") as made:
            with open_loop(made, ends):
                post(ends[1], *range(200), Mail.STOP)
            assert made.read().outcomes == [DONE] * 200
            assert made.page.cells[Slot.RECEIVED] == 200

    def test_is_over_at_once_without_a_query(self, ends):
        with rig({"a": {}}, "pipelined") as made, open_loop(made, ends):
            post(ends[1], Mail.STOP)

    def test_is_over_when_the_last_query_has_ended_not_when_it_came(self, ends):
        inside, go = threading.Event(), threading.Event()

        @stage
        def gate(number: int) -> int:
            inside.set()
            wait_for(go)
            return number

        with (
            rig({"a": {"uses": gate, "to": "b"}, "b": NOOP}, "pipelined") as made,
            open_loop(made, ends),
        ):
            post(ends[1], 0, Mail.STOP)
            wait_for(inside)
            go.set()

    @pytest.mark.parametrize("workers", [1, 2])
    @pytest.mark.parametrize("size", [None, 3])
    def test_may_loop_back_into_the_stage_that_reads_the_inbox(self, ends, workers, size):
        batch = {} if size is None else {"batch": {"size": size, "max_wait_ms": 0}}
        stages = {
            "a": {"to": "b", "max_visits": 4, "then": "end", "workers": workers, **batch},
            "b": {"uses": again_until, "to": {"again": "a", "done": "end"}},
            "end": {},
        }
        data = items_of(*({"rounds": number % 6} for number in range(50)))
        with rig(stages, "pipelined", data=data) as made:
            with open_loop(made, ends):
                post(ends[1], *range(50), Mail.STOP)
            ran = made.read()
        assert [len(ran.of(n, "a")) for n in range(50)] == [min(n % 6 + 1, 4) for n in range(50)]

    @pytest.mark.parametrize("workers", [1, 3])
    def test_may_batch_at_the_stage_that_reads_the_inbox(self, ends, workers):
        stages = {"a": {"batch": {"size": 4, "max_wait_ms": 0.01}, "workers": workers}}
        with rig(stages, "pipelined") as made:
            with open_loop(made, ends):
                for number in range(200):
                    post(ends[1], number)
                post(ends[1], Mail.STOP)
            assert made.read().outcomes == [DONE] * 200


class TestWhoReadsTheInbox:
    def test_goes_on_with_what_it_read_while_another_one_reads(self, ends):
        """The stages see one thread for a query, and the next query comes while it is inside."""
        threads, inside, go = [], threading.Event(), threading.Event()

        @stage
        def looks(number: int) -> int:
            threads.append((number, threading.get_ident()))
            return number

        @stage
        def gate(number: int) -> int:
            if number == 0:
                inside.set()
                wait_for(go)
            return looks(number)

        with (
            rig({"a": {"uses": looks, "to": "b"}, "b": {"uses": gate}}, "pipelined") as made,
            open_loop(made, ends),
        ):
            post(ends[1], 0)
            wait_for(inside)
            post(ends[1], 1)
            while len(threads) < 2:  # the second query is through the first stage
                time.sleep(0.001)
            assert made.page.cells[Slot.RECEIVED] == 2
            go.set()
            post(ends[1], Mail.STOP)
        of_first = {thread for number, thread in threads if number == 0}
        assert len(of_first) == 1
        assert (1, *of_first) not in threads[:2]

    def test_receives_while_the_first_stage_is_busy(self, ends):
        inside, go = threading.Event(), threading.Event()

        @stage
        def gate(number: int) -> int:
            inside.set()
            wait_for(go)
            return number

        with rig({"a": gate}, "pipelined") as made, open_loop(made, ends):
            post(ends[1], 0)
            wait_for(inside)
            post(ends[1], 1, 2, Mail.STOP)
            while made.page.cells[Slot.RECEIVED] < 3:
                time.sleep(0.001)
            go.set()


class TestAnInbox:
    @pytest.fixture
    def stopped(self):
        return Told()

    @pytest.fixture
    def inbox(self, ends, stopped):
        return Inbox(*ends, lambda *given: given, lambda: stopped.append("stopped"))  # type: ignore[arg-type, return-value]

    def test_gives_queries_in_the_order_of_their_dispatch(self, inbox, ends):
        post(ends[1], 3, 1, 2)
        assert [number for number, *_ in inbox.read()] == [3, 1, 2]

    def test_stamps_when_it_received_them(self, inbox, ends):
        post(ends[1], 3, 1)
        before = monotonic_ns()
        assert {given[-1] >= before for given in inbox.read()} == {True}

    def test_tells_that_no_further_query_comes_after_it_has_made_all_of_them(
        self, ends, monkeypatch
    ):
        told = []
        inbox = Inbox(*ends, lambda *given: told.append(given[0]), lambda: told.append("stopped"))  # type: ignore[arg-type, func-returns-value]
        post(ends[1], 3, 1, Mail.STOP)
        inbox.read()
        assert told == [3, 1, "stopped"]

    def test_wakes_a_reader_that_sleeps_in_the_pipe(self, inbox, monkeypatch):
        about, read, got = threading.Event(), os.read, Told()

        def reads(fd: int, size: int) -> bytes:
            about.set()
            return read(fd, size)

        monkeypatch.setattr("mlbench.engine.inbox.os.read", reads)
        reader = threading.Thread(target=lambda: got.append(inbox.read()))
        reader.start()
        wait_for(about)
        inbox.wake()
        reader.join(20)
        assert got == [[]]

    def test_is_not_confused_by_a_late_wake(self, inbox, ends):
        post(ends[1], Mail.WAKE, Mail.WAKE, 5)
        assert [number for number, *_ in inbox.read()] == [5]


class TestAWatch:
    """Tells once when every query that was due in the window has ended."""

    @pytest.fixture
    def passed(self):
        return Told()

    @pytest.fixture
    def watch(self, passed):
        return Watch(100, 200, lambda: passed.append("passed"))

    def test_waits_for_a_query_due_after_the_window_and_for_all_due_in_it(self, watch, passed):
        for due in (50, 100, 150, 199):
            watch.sees(due)
        for due in (50, 100, 150, 199):
            watch.ended(due)
        assert passed == [], "another one may be due in it"
        watch.sees(200)
        assert passed == ["passed"]

    def test_waits_for_those_in_it_that_go_on(self, watch, passed):
        for due in (150, 250):
            watch.sees(due)
        watch.ended(250)
        assert passed == []
        watch.ended(150)
        assert passed == ["passed"]

    def test_tells_once(self, watch, passed):
        for due in (200, 201, 202):
            watch.sees(due)
            watch.ended(due)
        assert passed == ["passed"]

    def test_is_kept_by_every_way_to_drive_a_worker(self, ends):
        dues = (150, 199, 200)
        for execution in ("serial", "pipelined"):
            passed = Told()
            watch = Watch(100, 200, lambda: passed.append("passed"))  # noqa: B023
            for number, due in enumerate(dues):
                os.write(ends[1], mail(number, number, due, due))
            os.write(ends[1], mail(Mail.STOP))
            with rig({"a": {}}, execution) as made:
                if execution == "serial":
                    serial_open(made.serial, made.records, ends[0], made.page, watch)
                else:
                    with open_loop(made, ends, watch):
                        pass
                assert made.read().outcomes == [DONE] * 3
            assert passed == ["passed"]
            assert watch.due == 2


def test_a_page_keeps_the_command_and_forgets_what_it_counted():
    page = Page()
    for slot in Slot:
        page.cells[slot] = 9
    page.clear()
    assert [slot for slot in Slot if page.cells[slot]] == [Slot.COMMAND]


def test_closed_and_open_loops_account_for_every_query_once(ends):
    stages = {"a": {"uses": "synthetic.fail", "with": {"every": 3}, "workers": 2}}
    with rig(stages, "pipelined") as made:
        with open_loop(made, ends):
            post(ends[1], *range(30), Mail.STOP)
        ran = made.read()
    numbers = sorted(each.query for each in ran.completions)
    assert numbers == list(range(30))
    assert sum(failed(each) for each in ran.completions) == 10
    assert made.page.cells[Slot.FAILED] == 10


def failed(completion: Completion) -> bool:
    return completion.outcome is Outcome.FAILED
