"""Queries that do not end well: each is a row with what ended it, and the run goes on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from support import NOOP, Clock, Told, in_both, items_of, query, rig, run, wait_for

from mlbench.engine.page import Command, Page, Slot
from mlbench.engine.serve import serial_open
from mlbench.engine.wire import Mail, mail, pipe
from mlbench.interfaces.stage import Context, DataSource, stage
from mlbench.records import Outcome

pytestmark = pytest.mark.unit

DONE, FAILED = Outcome.DONE, Outcome.FAILED


@stage
def invert(number: int) -> float:
    return 1 / number


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("I will not say")


@in_both
class TestAStageThatRaises:
    STAGES = {"a": {"to": "b"}, "b": {"uses": invert, "to": "c"}, "c": {}}

    def test_ends_its_query_and_no_other(self, execution):
        ran = run(self.STAGES, 4, execution)
        assert ran.outcomes == [FAILED, DONE, DONE, DONE]
        assert ran.path(0) == ["data", "a", "b"]
        assert ran.path(1) == ["data", "a", "b", "c"]

    def test_leaves_its_error_in_the_completion(self, execution):
        ended = run(self.STAGES, 1, execution).ended()
        assert ended.said == "ZeroDivisionError: division by zero"
        assert ended.done is not None

    def test_leaves_its_span_which_ends_the_query(self, execution):
        ran = run(self.STAGES, 1, execution)
        assert [span.outcome for span in ran.of()] == [DONE, DONE, FAILED]
        assert ran.one("b").end == ran.ended().done
        assert ran.one("b").parents == (ran.one("a").span,)

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (ValueError("no"), "ValueError: no"),
            (ValueError(), "ValueError"),
            (KeyError("k"), "KeyError: 'k'"),
            (StopIteration(), "StopIteration"),
            (ValueError("torn \udc80"), "ValueError: torn ?"),
            (Mute(), "Mute: it raises when asked what it says"),
        ],
    )
    def test_may_raise_any_exception(self, execution, error, said):
        @stage
        def raises(payload: object) -> object:
            raise error

        ran = run({"a": raises}, 2, execution)
        assert [ran.ended(number).said for number in range(2)] == [said, said]

    def test_may_raise_a_book(self, execution):
        @stage
        def raises(payload: object) -> object:
            raise ValueError("é" * 1_000_000)

        error = run({"a": raises}, 1, execution).ended().error
        assert error is not None
        assert 2000 < len(error) < 2100
        assert error.endswith(f".py:{raises.__code__.co_firstlineno + 2})")

    def test_at_the_very_first_stage_or_the_last(self, execution):
        assert run({"a": invert}, 2, execution).outcomes == [FAILED, DONE]


@in_both
class TestADataSetThatRaises:
    DATA = items_of(OSError("disk gone"), "fine")

    def test_ends_its_query_and_no_other(self, execution):
        ran = run({"a": {}}, 2, execution, data=self.DATA)
        assert ran.outcomes == [FAILED, DONE]
        assert ran.ended().said == "OSError: disk gone"

    def test_leaves_the_span_that_fetched(self, execution):
        ran = run({"a": {}}, 2, execution, data=self.DATA)
        data = ran.one("data")
        assert ran.path(0) == ["data"]
        assert data.outcome is FAILED
        assert (data.ready, data.start, data.end) == (
            ran.ended().sent,
            ran.ended().started,
            ran.ended().done,
        )

    def test_or_has_no_such_item(self, execution):
        ran = run({"a": {}}, [query(0, item=7), query(1, item=1)], execution, data=self.DATA)
        assert ran.outcomes == [FAILED, DONE]
        assert str(ran.ended().error).startswith("IndexError")


class TestABranchThatFails:
    STAGES = {
        "fork": {"to": ["bad", "good"]},
        "bad": {"uses": invert, "to": "x"},
        "good": {"to": "y"},
        "x": {},
        "y": {},
    }

    def test_ends_the_query_where_the_others_are(self):
        ran = run(self.STAGES, 2)
        assert ran.path(0) == ["data", "fork", "bad"]
        assert ran.outcomes == [FAILED, DONE]

    def test_ends_it_once_however_many_fail(self):
        both = {"uses": invert}
        ran = run({"fork": {"to": ["a", "b"]}, "a": both, "b": both}, 5, "pipelined")
        assert ran.outcomes == [FAILED, DONE, DONE, DONE, DONE]

    def test_lets_the_call_of_another_return_and_start_no_further_one(self):
        """``good`` is inside its stage while ``bad`` fails."""
        inside, failed = threading.Event(), threading.Event()

        @stage
        def bad(payload: object) -> object:
            wait_for(inside)
            failed.set()
            raise ValueError("bad")

        @stage
        def good(payload: object) -> object:
            inside.set()
            wait_for(failed)
            return payload

        stages = {"fork": {"to": ["bad", "good"]}, "bad": {"uses": bad}, "good": {"uses": good}}
        ran = run(stages, 1, "pipelined")
        assert ran.one("good").outcome is DONE
        assert ran.ended().said == "ValueError: bad"
        assert ran.ended().done == max(span.end for span in ran.of())


class TestWhatIsNoException:
    """`SystemExit` and its like do not mean the query: they end the pipeline, and are told."""

    @stage
    def leave(payload: object) -> object:
        raise SystemExit("enough")

    def test_comes_out_of_the_serial_executor(self):
        with (
            rig({"a": TestWhatIsNoException.leave}) as made,
            pytest.raises(SystemExit, match="enough"),
        ):
            made.serial.run(query(0))

    def test_is_told_by_the_thread_that_it_ends(self):
        with rig({"a": TestWhatIsNoException.leave}, "pipelined") as made:
            made.broken = told = Told()
            with made.started() as (admit, _):
                admit(query(0))
                wait_for(told.came)
        assert [str(error) for error in told] == ["enough"]


@in_both
class TestTheTimeLimit:
    @pytest.fixture
    def clock(self, monkeypatch):
        clock = Clock()
        for name in ("serial", "chain", "runs", "transit"):
            monkeypatch.setattr(f"mlbench.engine.{name}.clock", clock)
        monkeypatch.setattr("support.monotonic_ns", clock)
        return clock

    def stages(self, clock: Clock, seconds: float) -> dict[str, object]:
        @stage
        def takes(payload: object) -> object:
            clock.advance(seconds)
            return payload

        return {"a": {"uses": takes, "to": "b"}, "b": {"uses": takes, "to": "c"}, "c": NOOP}

    def test_ends_a_query_between_two_stages(self, execution, clock):
        ran = run(self.stages(clock, 6), 1, execution, timeout_s=10)
        assert ran.path() == ["data", "a", "b"]
        assert ran.outcomes == [Outcome.TIMED_OUT]
        assert ran.ended().error == "over the time limit when it left the stage 'b'"
        assert ran.one("b").outcome is DONE, "the stage itself did nothing wrong"
        assert ran.ended().done == ran.one("b").end

    def test_does_not_end_one_that_keeps_it(self, execution, clock):
        assert run(self.stages(clock, 4), 1, execution, timeout_s=10).outcomes == [DONE]

    def test_counts_from_the_start_not_from_the_arrival(self, execution, clock):
        waited = (0, 0, clock.now - 50_000_000_000, clock.now - 40_000_000_000, clock.now)
        assert run({"a": NOOP}, [waited], execution, timeout_s=10).outcomes == [DONE]

    def test_holds_for_the_last_stage_too_which_then_has_no_output(self, execution, clock):
        @stage
        def takes(payload: object) -> object:
            clock.advance(11)
            return payload

        ran = run({"a": takes}, 1, execution, timeout_s=10)
        assert ran.outcomes == [Outcome.TIMED_OUT]
        assert ran.outputs == []

    def test_counts_the_time_that_fetching_the_item_took(self, execution, clock):
        class Slow(Sequence[int]):
            def __len__(self) -> int:
                return 2

            def __getitem__(self, index: Any) -> Any:
                clock.advance(11)
                return index

        class Disk(DataSource):
            @contextmanager
            def open(self, context: Context) -> Iterator[Sequence[int]]:
                yield Slow()

        stages = {"a": {"to": "b"}, "b": {}}
        ran = run(stages, 1, execution, timeout_s=10, data=Disk)
        assert ran.outcomes == [Outcome.TIMED_OUT]
        assert ran.path() == ["data"]

    def test_ends_the_other_branches_where_they_are(self, execution, clock):
        stages = self.stages(clock, 11)
        stages = {"fork": {"to": ["a", "b"]}, **stages}
        ran = run(stages, 1, execution, timeout_s=10)
        assert ran.outcomes == [Outcome.TIMED_OUT]
        assert ran.of(0, "c") == []


class TestCancelling:
    def test_ends_queries_under_way_at_their_next_stage_and_starts_no_other(self):
        inside, go = threading.Event(), threading.Event()

        @stage
        def gate(payload: object) -> object:
            inside.set()
            wait_for(go)
            return payload

        with rig({"a": {"uses": gate, "to": "b"}, "b": {}}, "pipelined") as made:
            executor, ended = made.pipelined, threading.Semaphore(0)
            executor.serve(lambda flight: ended.release())
            executor.start()
            for number in range(3):
                executor.admit(query(number))
            wait_for(inside)
            executor.cancel()
            go.set()
            for _ in range(3):
                assert ended.acquire(timeout=20)
            executor.stop()
            ran = made.read()
            assert made.page.cells[Slot.OLDEST_STARTED_NS] == 0
        assert ran.outcomes == [Outcome.CANCELLED] * 3
        assert ran.path(0) == ["data", "a"]
        assert ran.path(1) == ran.path(2) == []
        assert ran.ended(0).started is not None
        assert (ran.ended(1).started, ran.ended(1).done) == (None, None)
        assert ran.ended(1).error == "the run ended before it"

    def test_in_serial_execution_ends_those_that_wait(self):
        page = Page()

        @stage
        def cancels(number: int) -> int:
            if number == 1:
                page.cells[Slot.COMMAND] = Command.CANCEL
            return number

        read, write = pipe()
        for number in range(4):
            os.write(write, mail(*query(number)[:4]))
        os.write(write, mail(Mail.STOP))
        with rig({"a": cancels}) as made:
            serial_open(made.serial, made.records, read, page, None)
            ran = made.read()
        assert ran.outcomes == [DONE, DONE, Outcome.CANCELLED, Outcome.CANCELLED]
        assert ran.ended(3).received is not None
        assert page.cells[Slot.RECEIVED] == 4
        os.close(read)
        os.close(write)
