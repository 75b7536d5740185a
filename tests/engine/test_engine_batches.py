"""Dynamic batches: one call for the payloads of several queries, a span for each of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support import NOOP, Rig, items_of, query, rig, wait_for

from mlbench.interfaces.stage import Context, Payload, Route, Stage, stage
from mlbench.records import Outcome

pytestmark = pytest.mark.unit

DONE, FAILED = Outcome.DONE, Outcome.FAILED


@stage
def doubled(numbers: list[int]) -> list[int]:
    return [2 * number for number in numbers]


def batched(uses: Any, size: int, wait_ms: float = 0, **more: Any) -> dict[str, Any]:
    return {"uses": uses, "batch": {"size": size, "max_wait_ms": wait_ms}, **more}


def run_waiting(made: Rig, queries: int) -> Any:
    """All queries wait in front of the first stage before it starts."""
    executor, ended = made.pipelined, threading.Semaphore(0)
    executor.serve(lambda flight: ended.release())
    for number in range(queries):
        executor.admit(query(number))
    executor.start()
    for _ in range(queries):
        assert ended.acquire(timeout=20)
    executor.stop()
    assert not made.broken
    return made.read()


def run(stages: dict[str, Any], queries: int, **pipeline: Any) -> Any:
    with rig(stages, "pipelined", **pipeline) as made:
        return run_waiting(made, queries)


class TestABatch:
    def test_takes_what_waits_up_to_its_size(self):
        ran = run({"a": batched(doubled, 4)}, 10)
        sizes = {span.batch: span.batch_size for span in ran.spans if span.stage == "a"}
        assert sizes == {0: 4, 1: 4, 2: 2}

    def test_gives_each_query_its_own_result(self):
        ran = run({"a": batched(doubled, 4)}, 10)
        assert [ran.said(number) for number in range(10)] == [{"a": 2 * n} for n in range(10)]

    def test_is_one_call_with_a_span_for_each_query(self):
        ran = run({"a": batched(doubled, 4)}, 4)
        spans = [ran.one("a", number) for number in range(4)]
        assert len({(span.start, span.end, span.batch) for span in spans}) == 1
        assert [span.ready for span in spans] == [ran.one("data", n).end for n in range(4)]
        assert {span.outcome for span in spans} == {DONE}

    def test_has_an_id_that_no_other_stage_s_has(self):
        ran = run({"a": batched(doubled, 2, to="b"), "b": batched(doubled, 2)}, 6)
        ids = [{span.batch for span in ran.spans if span.stage == name} for name in "ab"]
        assert not ids[0] & ids[1]

    def test_waits_for_more_until_it_is_full(self):
        calls = []

        @stage
        def keeps(payloads: list[int]) -> list[int]:
            calls.append(payloads)
            return payloads

        hour_ms = 3_600_000
        with (
            rig({"a": batched(keeps, 2, hour_ms)}, "pipelined") as made,
            made.started() as (admit, wait),
        ):
            admit(query(0))
            admit(query(1))
            wait(2)
        assert calls == [[0, 1]]

    def test_of_one_that_may_not_wait_is_what_is_there(self):
        with (
            rig({"a": batched(doubled, 8)}, "pipelined") as made,
            made.started() as (admit, wait),
        ):
            for number in range(3):
                admit(query(number))
                wait(1)
            ran = made.read()
        assert [ran.one("a", number).batch_size for number in range(3)] == [1, 1, 1]

    def test_may_return_a_tuple(self):
        @stage
        def pair(payloads: list[int]) -> object:
            return tuple(payloads)

        assert run({"a": batched(pair, 4)}, 4).outcomes == [DONE] * 4

    def test_spans_outside_of_it_have_none(self):
        ran = run({"a": batched(doubled, 4, to="b"), "b": {}}, 4)
        assert {(s.batch, s.batch_size) for s in ran.spans if s.stage != "a"} == {(None, None)}

    def test_may_be_of_a_join_and_keeps_all_parents(self):
        @stage
        def sums(parts: list[dict[str, int]]) -> list[int]:
            return [part["x"] + part["y"] for part in parts]

        stages = {
            "fork": {"to": ["x", "y"]},
            "x": {"to": "sum"},
            "y": {"to": "sum"},
            "sum": batched(sums, 3, join=["x", "y"]),
        }
        ran = run(stages, 7)
        for number in range(7):
            assert ran.said(number) == {"sum": 2 * number}
            parents = {ran.one("x", number).span, ran.one("y", number).span}
            assert set(ran.one("sum", number).parents) == parents

    def test_may_be_inside_a_loop(self):
        @stage
        def keeps(payloads: list[int]) -> list[int]:
            return payloads

        stages = {
            "a": batched(keeps, 3, to="b", max_visits=2, then="end"),
            "b": {"to": "a"},
            "end": {},
        }
        ran = run(stages, 7)
        assert [[s.visit for s in ran.of(n, "a")] for n in range(7)] == [[1, 2]] * 7


class TestABatchThatFails:
    def test_ends_all_its_queries_and_no_other(self):
        @stage
        def picky(numbers: list[int]) -> list[int]:
            if 5 in numbers:
                raise ValueError("five")
            return numbers

        ran = run({"a": batched(picky, 4, to="b"), "b": {}}, 10)
        assert ran.outcomes == [DONE] * 4 + [FAILED] * 4 + [DONE] * 2
        assert {ran.ended(number).said for number in range(4, 8)} == {"ValueError: five"}
        spans = [ran.one("a", number) for number in range(4, 8)]
        assert {(s.outcome, s.batch, s.batch_size) for s in spans} == {(FAILED, 1, 4)}

    @pytest.mark.parametrize(
        ("wrong", "got"),
        [([1], "1 of them"), ([1, 2, 3], "3 of them"), (7, "int"), (None, "NoneType")],
    )
    def test_because_it_returned_anything_but_a_list_of_its_size(self, wrong, got):
        @stage
        def miscounts(payloads: list[int]) -> object:
            return wrong

        ran = run({"a": batched(miscounts, 2)}, 2)
        assert ran.outcomes == [FAILED, FAILED]
        assert ran.ended().error == (
            f"QueryError: the stage 'a' got a batch of 2 payloads and returned {got}; "
            "a batched stage returns a list of 2 results"
        )

    def test_is_not_joined_by_a_query_whose_item_could_not_be_fetched(self):
        data = items_of(1, OSError("gone"), 3)
        ran = run({"a": batched(doubled, 3)}, 3, data=data)
        assert ran.outcomes == [DONE, FAILED, DONE]
        assert ran.one("a", 0).batch_size == 2
        assert ran.said(2) == {"a": 6}

    def test_nor_by_one_that_has_ended_meanwhile(self):
        """Of both queries, one branch fails before the batch takes the other one."""
        failed = threading.Semaphore(0)

        @stage
        def bad(number: int) -> int:
            failed.release()
            raise ValueError("bad")

        @stage
        def hold(number: int) -> int:
            assert failed.acquire(timeout=20)
            return number

        stages = {
            "fork": {"to": ["bad", "hold"]},
            "bad": {"uses": bad},
            "hold": {"uses": hold, "to": "a"},
            "a": batched(doubled, 2),
        }
        ran = run(stages, 2)
        assert ran.outcomes == [FAILED, FAILED]


class TestARouterInABatch:
    STAGES = {"x": NOOP, "y": NOOP}

    def test_sends_each_branch_its_own_way(self):
        @stage(outputs=["even", "odd"])
        def sort(numbers: list[int]) -> list[Route]:
            return [Route("odd" if number % 2 else "even", number) for number in numbers]

        ran = run({"r": batched(sort, 4, to={"even": "x", "odd": "y"}), **self.STAGES}, 4)
        assert [ran.path(n) for n in range(4)] == [["data", "r", "x"], ["data", "r", "y"]] * 2
        assert [ran.one("r", n).route for n in range(4)] == ["even", "odd"] * 2
        assert {ran.one("r", n).batch_size for n in range(4)} == {4}

    @pytest.mark.parametrize("wrong", [Route("evn"), Route(["even"]), "even", None])
    def test_fails_the_query_that_it_routes_wrongly_alone(self, wrong):
        @stage(outputs=["even"])
        def sort(numbers: list[int]) -> list[Any]:
            return [wrong if number == 1 else Route("even", number) for number in numbers]

        stages = {"r": batched(sort, 4, to={"even": "x"}), "x": NOOP}
        ran = run(stages, 4)
        assert ran.outcomes == [DONE, FAILED, DONE, DONE]
        assert (ran.one("r", 1).batch_size, ran.one("r", 1).route) == (4, None)


class TestWhatAStageSaysInABatch:
    def test_stands_at_the_first_span_of_it(self):
        class Says(Stage):
            @contextmanager
            def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
                def says(payloads: list[int]) -> list[int]:
                    context.event("size", len(payloads))
                    return payloads

                yield says

        ran = run({"a": batched(Says, 2)}, 4)
        firsts = [ran.one("a", 0).span, ran.one("a", 2).span]
        assert [(event.span, event.value) for event in ran.events] == [(s, 2.0) for s in firsts]

    def test_was_the_time_on_the_device_of_all_of_it(self):
        class Timed(Stage):
            @contextmanager
            def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
                def timed(payloads: list[int]) -> list[int]:
                    context.visit.timings.append(lambda: 1234)
                    return payloads

                yield timed

        ran = run({"a": batched(Timed, 2, to="b"), "b": {}}, 4)
        spans = [ran.one("a", number) for number in range(4)]
        assert [(s.device_ns, s.batch_size) for s in spans] == [(1234, 2)] * 4
        assert {ran.one("b", number).device_ns for number in range(4)} == {None}


def test_two_workers_never_share_a_batch():
    both = threading.Barrier(2, timeout=20)
    lock, calls = threading.Lock(), []

    @stage
    def meets(numbers: list[int]) -> list[int]:
        both.wait()
        with lock:
            calls.append(tuple(numbers))
        return numbers

    ran = run({"a": batched(meets, 2, workers=2)}, 8)
    assert sorted(number for call in calls for number in call) == list(range(8))
    assert {span.worker for span in ran.spans if span.stage == "a"} == {0, 1}


def test_a_batch_that_a_wish_to_stop_finds_half_full_is_served():
    """The end of the channel comes while the stage waits for more."""
    served = threading.Event()

    @stage
    def keeps(numbers: list[int]) -> list[int]:
        served.set()
        return numbers

    with rig({"a": batched(keeps, 3, 3_600_000)}, "pipelined") as made:
        executor = made.pipelined
        executor.admit(query(0))
        executor.admit(query(1))
        executor.start()
        executor.stop()
        wait_for(served)
        assert made.read().outcomes == [DONE, DONE]


def test_a_batch_that_waits_for_more_is_ended_with_the_run():
    """Whoever gathers may sleep for up to ``max_wait_ms``: cancelling wakes it."""
    with rig({"a": batched(doubled, 2, 3_600_000)}, "pipelined") as made:
        executor, ended = made.pipelined, threading.Event()
        executor.serve(lambda flight: ended.set())
        executor.start()
        executor.admit(query(0))
        while executor._channels[0].waiting:  # until it is gathered
            threading.Event().wait(0.001)
        executor.cancel()
        wait_for(ended)
        executor.stop()
        assert made.read().outcomes == [Outcome.CANCELLED]
