"""Pipelined execution: queues that are bounded, workers, and what overlaps."""

from __future__ import annotations

import threading

import pytest
from support import NOOP, again_until, items_of, query, rig, run, wait_for

from mlbench.engine.page import Slot
from mlbench.interfaces.stage import Route, stage
from mlbench.records import Outcome

pytestmark = pytest.mark.unit

DONE = Outcome.DONE


def test_queries_overlap():
    """The second query is in the first stage while the first one is in the second."""
    met = threading.Barrier(2, timeout=20)

    @stage
    def first(number: int) -> int:
        if number == 1:
            met.wait()
        return number

    @stage
    def second(number: int) -> int:
        if number == 0:
            met.wait()
        return number

    ran = run({"a": {"uses": first, "to": "b"}, "b": second}, 2, "pipelined")
    assert ran.one("a", 1).start < ran.one("b", 0).end
    assert ran.one("b", 0).start < ran.one("a", 1).end


def test_one_worker_takes_queries_in_the_order_of_their_coming():
    ran = run({"a": {"to": "b"}, "b": {}}, 50, "pipelined")
    order = sorted((span for span in ran.spans if span.stage == "b"), key=lambda span: span.start)
    assert [span.query for span in order] == list(range(50))


class TestWorkers:
    def test_call_a_stage_at_the_same_time(self):
        both = threading.Barrier(2, timeout=20)

        @stage
        def meets(number: int) -> int:
            both.wait()
            return number

        ran = run({"a": {"uses": meets, "workers": 2}}, 10, "pipelined")
        assert {span.worker for span in ran.spans if span.stage == "a"} == {0, 1}
        assert ran.outcomes == [DONE] * 10

    def test_are_told_apart_by_stage(self):
        ran = run({"a": {"workers": 3, "to": "b"}, "b": {}}, 20, "pipelined")
        assert {span.worker for span in ran.spans if span.stage in ("b", "data")} == {0}


class TestABoundedQueue:
    def test_holds_back_who_puts_into_a_forward_edge(self):
        """``b`` does not go on until ``a`` has a payload that finds no room."""
        stuck, sizes = threading.Event(), []

        @stage
        def first(number: int) -> int:
            if number == 3:
                stuck.set()
            return number

        with rig({"a": {"uses": first, "to": "b"}, "b": {"queue": 2}}, "pipelined") as made:
            ended = threading.Semaphore(0)

            def second(number: int) -> int:
                wait_for(stuck)
                sizes.append(len(executor._channels[1].waiting))
                return number

            made.pipeline.steps[1].call = second
            executor = made.pipelined
            executor.serve(lambda flight: ended.release())
            executor.start()
            for number in range(50):
                executor.admit(query(number))
            for _ in range(50):
                assert ended.acquire(timeout=20)
            executor.stop()
            assert made.read().outcomes == [DONE] * 50
        assert max(sizes) == 2

    def test_does_not_bound_the_ingress(self):
        entered = threading.Event()

        @stage
        def first(number: int) -> int:
            wait_for(entered)
            return number

        with (
            rig({"a": {"uses": first, "queue": 1}}, "pipelined") as made,
            made.started() as (admit, wait),
        ):
            for number in range(100):
                admit(query(number))  # would wait for ever
            entered.set()
            wait(100)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_cannot_stop_a_full_loop(self, workers):
        small = {"queue": 1, "workers": workers}
        stages = {
            "in": {"to": "a"},
            "a": {"to": "b", **small},
            "b": {"to": "c", "max_visits": 5, "then": "out", **small},
            "c": {"uses": again_until, "to": {"again": "a", "done": "out"}, **small},
            "out": {"queue": 1},
        }
        data = items_of(*({"rounds": number % 7} for number in range(60)))
        ran = run(stages, 60, "pipelined", data=data)
        assert ran.outcomes == [DONE] * 60
        rounds = [len(ran.of(number, "b")) for number in range(60)]
        assert rounds == [min(number % 7 + 1, 5) for number in range(60)]

    def test_cannot_stop_a_router_that_leads_to_itself(self):
        """It goes round while its own queue is full, and nobody else takes from it."""
        full = threading.Event()

        @stage
        def first(payload: dict[str, int]) -> dict[str, int]:
            if payload["number"] == 2:
                full.set()
            return payload

        @stage(outputs=["again", "done"])
        def round_when_full(payload: dict[str, int]) -> Route:
            wait_for(full)
            return again_until(payload)

        stages = {
            "in": {"uses": first, "to": "r"},
            "r": {
                "uses": round_when_full,
                "to": {"again": "r", "done": "out"},
                "max_visits": 9,
                "then": "out",
                "queue": 1,
            },
            "out": {},
        }
        data = items_of(*({"rounds": 3, "number": number} for number in range(60)))
        assert run(stages, 60, "pipelined", data=data).outcomes == [DONE] * 60

    def test_cannot_stop_a_loop_that_multiplies(self):
        stages = {
            "in": {"to": "fork"},
            "fork": {"to": ["x", "y"], "queue": 1, "max_visits": 4, "then": "out"},
            "x": {"to": "fork", "queue": 1},
            "y": {"to": "fork", "queue": 1},
            "out": {"queue": 1},
        }
        ran = run(stages, 10, "pipelined")
        assert [len(ran.of(number, "out")) for number in range(10)] == [16] * 10

    def test_cannot_stop_a_diamond(self):
        stages = {
            "in": {"to": ["x", "y"]},
            "x": {"to": "both", "queue": 1},
            "y": {"to": "both", "queue": 1},
            "both": {"join": ["x", "y"], "queue": 1},
        }
        assert run(stages, 100, "pipelined").outcomes == [DONE] * 100


class TestEdgesInsideACycle:
    """These never wait for room; all others do."""

    def edges(self, stages: dict[str, dict[str, object]]) -> set[str]:
        with rig(stages, "pipelined") as made:
            names = [step.name for step in made.pipeline.steps]
            return {f"{names[a]} {names[b]}" for a, b in made.pipeline.inside_cycle}

    def test_are_none_in_a_chain(self):
        assert self.edges({"a": {"to": "b"}, "b": {}}) == set()

    def test_are_those_whose_end_leads_back_to_their_begin(self):
        stages = {
            "in": {"to": "a"},
            "a": {"to": "b", "max_visits": 2, "then": "out"},
            "b": {"to": "a"},
            "out": {},
        }
        assert self.edges(stages) == {"a b", "b a"}

    def test_include_a_stage_s_edge_to_itself_however_it_is_written(self):
        @stage(outputs=["again", "done"])
        def route(payload: object) -> Route:
            return Route("done", payload)

        bound = {"max_visits": 2, "then": "out"}
        straight = {"a": {"to": "a", **bound}, "out": NOOP}
        fan_out = {"a": {"to": ["a", "out"], **bound}, "out": NOOP}
        router = {"a": {"uses": route, "to": {"again": "a", "done": "out"}, **bound}, "out": NOOP}
        for stages in (straight, fan_out, router):
            assert self.edges(stages) == {"a a"}


class TestThePage:
    def test_names_the_query_that_has_been_under_way_for_longest(self):
        first, second = threading.Event(), threading.Event()
        inside = threading.Semaphore(0)

        @stage
        def holds(number: int) -> int:
            inside.release()
            wait_for((first, second)[number])
            return number

        with rig({"a": {"uses": holds, "workers": 2}}, "pipelined") as made:
            cells = made.page.cells
            with made.started() as (admit, wait):
                admit(query(0))
                assert inside.acquire(timeout=20)
                admit(query(1))
                assert inside.acquire(timeout=20)
                assert cells[Slot.OLDEST_QUERY] == 0
                assert cells[Slot.OLDEST_STARTED_NS] > 0
                first.set()
                wait(1)
                assert (cells[Slot.OLDEST_QUERY], cells[Slot.ENDED]) == (1, 1)
                second.set()
                wait(1)
            started = [made.read().ended(number).started for number in range(2)]
            assert None not in started
            assert (cells[Slot.OLDEST_STARTED_NS], cells[Slot.ENDED]) == (0, 2)
