"""What stands beside a span: events, further parents, and the time on a device."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from support import Ran, in_both, query, rig, run

from mlbench.interfaces.stage import Context, DataSource, Payload, Route, Stage
from mlbench.records import Outcome

pytestmark = pytest.mark.unit


class Speak(Stage):
    """Tells two tokens, with the payload as their value; raises where it is told to."""

    raises_at: int = -1

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        def speak(number: int) -> int:
            context.event("first_token", number)
            context.event("token", number + 0.5)
            if number == self.raises_at:
                raise ValueError("lost for words")
            return number

        yield speak


class SpeakingItems(DataSource):
    """Tells an event for each item that is fetched; item 1 cannot be."""

    @contextmanager
    def open(self, context: Context) -> Iterator[Sequence[Payload]]:
        class Items(Sequence[int]):
            def __len__(self) -> int:
                return 3

            def __getitem__(self, index: Any) -> Any:
                context.event("read", index)
                if index == 1:
                    raise OSError("torn")
                return index

        yield Items()


class Timed(Stage):
    """Puts a timing behind each call, as `on_device` does; tells when it is read."""

    route: bool = False

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        visit, stage = context.visit, context.stage
        context.tracked = True

        def timed(payload: Payload) -> Payload:
            visit.timings.append(lambda: 1000 + len(stage))
            return Route("odd", payload) if self.route else payload

        yield timed

    def routes(self) -> dict[str, object]:
        return {"odd": object} if self.route else {}


def told(ran: Ran, number: int, stage: str) -> list[tuple[str, float]]:
    """The events of a query at a stage."""
    spans = {span.span for span in ran.of(number, stage)}
    return [(event.name, event.value) for event in ran.events if event.span in spans]


@in_both
class TestAnEvent:
    def test_belongs_to_the_span_that_it_happened_in(self, execution):
        stages = {"a": {"uses": Speak, "to": "b"}, "b": {"to": "c"}, "c": {"uses": Speak}}
        ran = run(stages, 5, execution)
        for number in range(5):
            for name in "ac":
                expected = [("first_token", number), ("token", number + 0.5)]
                assert told(ran, number, name) == expected
        assert len(ran.events) == 20

    def test_happened_while_its_span_did(self, execution):
        ran = run({"a": {"uses": Speak}}, 5, execution)
        spans = {span.span: span for span in ran.spans}
        for event in ran.events:
            assert spans[event.span].start <= event.t <= spans[event.span].end

    def test_of_a_stage_that_raises_is_kept(self, execution):
        stages = {"a": {"uses": Speak, "with": {"raises_at": 1}}}
        ran = run(stages, 3, execution)
        assert ran.outcomes[1] is Outcome.FAILED
        assert told(ran, 1, "a") == [("first_token", 1.0), ("token", 1.5)]
        assert told(ran, 2, "a") == [("first_token", 2.0), ("token", 2.5)]

    def test_of_the_data_belongs_to_the_span_that_fetches(self, execution):
        stages = {"a": {"to": "b"}, "b": {}}
        ran = run(stages, 3, execution, data=SpeakingItems)
        assert ran.outcomes == [Outcome.DONE, Outcome.FAILED, Outcome.DONE]
        assert [told(ran, n, "data") for n in range(3)] == [[("read", n)] for n in range(3)]
        assert len(ran.events) == 3

    def test_of_a_branch_belongs_to_that_branch(self, execution):
        stages = {
            "fork": {"to": ["a", "b"]},
            "a": {"uses": Speak, "to": "m"},
            "b": {"to": "m"},
            "m": {"uses": Speak},
        }
        ran = run(stages, 3, execution)
        assert [len(told(ran, n, name)) for n in range(3) for name in "abm"] == [2, 0, 4] * 3

    def test_without_a_value_has_none(self, execution):
        class Mark(Stage):
            @contextmanager
            def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
                def mark(payload: Payload) -> Payload:
                    context.event("mark")
                    return payload

                yield mark

        (event,) = run({"a": {"uses": Mark}}, 1, execution).events
        assert event.name == "mark"
        assert math.isnan(event.value)


def test_events_of_many_workers_stay_with_their_spans():
    stages = {"a": {"uses": Speak, "workers": 4, "to": "b"}, "b": {"uses": Speak, "workers": 4}}
    ran = run(stages, 100, "pipelined")
    for number in range(100):
        for name in "ab":
            assert told(ran, number, name) == [("first_token", number), ("token", number + 0.5)]


def test_two_threads_never_give_two_names_one_code():
    """Another thread names an event just when this one is about to."""
    with rig({"a": {}}) as made:
        records = made.records

        class Interrupted(str):
            __slots__ = ()

            def __hash__(self) -> int:
                other = threading.Thread(target=records.beside, args=(1, (), [("other", 2, 0.0)]))
                other.start()
                other.join()
                return super().__hash__()

        records.beside(0, (), [(Interrupted("mine"), 1, 0.0)])
        codes = records.rings.events.take()[:, 1].tolist()
        assert records.event_names() == ["other", "mine"]
        assert set(codes) == {0, 1}
        assert codes.count(1) == 1  # however often the name was hashed, the other came first


@in_both
class TestTimeOnADevice:
    def test_is_that_of_the_span(self, execution):
        stages = {"a": {"uses": Timed, "to": "host"}, "host": {"to": "bb"}, "bb": {"uses": Timed}}
        ran = run(stages, 3, execution)
        for number in range(3):
            times = {span.stage: span.device_ns for span in ran.of(number)}
            assert times == {"data": None, "a": 1001, "host": None, "bb": 1002}

    def test_is_read_when_the_query_has_ended(self, execution):
        """A synchronise between two stages would change the contention."""
        order = []

        class Watched(Stage):
            @contextmanager
            def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
                context.tracked = True

                def watched(payload: Payload) -> Payload:
                    order.append(f"call {context.stage}")
                    context.visit.timings.append(lambda: order.append(f"read {context.stage}") or 5)
                    return payload

                yield watched

        run({"a": {"uses": Watched, "to": "b"}, "b": {"uses": Watched}}, 1, execution)
        assert order == ["call a", "call b", "read a", "read b"]

    def test_is_there_in_a_query_that_failed_later(self, execution):
        stages = {
            "a": {"uses": Timed, "to": "b"},
            "b": {"uses": "synthetic.fail", "with": {"every": 1}},
        }
        ran = run(stages, 2, execution)
        assert ran.outcomes == [Outcome.FAILED] * 2
        assert [ran.one("a", n).device_ns for n in range(2)] == [1001, 1001]
        assert [ran.one("b", n).device_ns for n in range(2)] == [None, None]

    def test_of_a_call_that_came_to_nothing_is_no_other_span_s(self, execution):
        """The router times its call and then names an output that it does not have."""
        stages = {
            "fork": {"to": ["ok", "r"]},
            "ok": {},
            "r": {"uses": Timed, "with": {"route": True}, "to": {"odd": "end"}},
            "end": {},
        }
        with rig(stages, execution) as made:
            made.pipeline.steps[2].routes.clear()
            ran = made.run(3)
        assert ran.outcomes == [Outcome.FAILED] * 3
        assert {span.device_ns for span in ran.spans} == {None}

    def test_is_that_of_each_branch_and_of_each_visit(self, execution):
        stages = {
            "fork": {"uses": Timed, "to": ["x", "y"]},
            "x": {"uses": Timed, "to": "both"},
            "y": {"to": "both"},
            "both": {"uses": Timed, "join": ["x", "y"], "to": "bound"},
            "bound": {"to": "fork", "max_visits": 2, "then": "end"},
            "end": {},
        }
        ran = run(stages, 2, execution)
        for number in range(2):
            for name, device_ns in (("fork", 1004), ("x", 1001), ("y", None), ("both", 1004)):
                assert [s.device_ns for s in ran.of(number, name)] == [device_ns] * 3
        assert ran.outcomes == [Outcome.DONE] * 2

    def test_beside_a_route_keeps_the_route(self, execution):
        stages = {"r": {"uses": Timed, "with": {"route": True}, "to": {"odd": "end"}}, "end": {}}
        span = run(stages, 1, execution).one("r")
        assert (span.route, span.device_ns) == ("odd", 1001)


@in_both
def test_a_query_s_rows_are_whole_when_its_completion_is_there(execution):
    """The spans whose device time is read last are in the ring before the completion is."""
    order = []
    with rig({"a": {"uses": Timed, "to": "b"}, "b": {}}, execution) as made:
        rings = made.records.rings
        fill, pack = rings.spans.fill, rings.completions.pack
        rings.spans.fill = lambda *row: order.append("span") or fill(*row)  # type: ignore[method-assign]
        rings.completions.pack = lambda *row: order.append("query") or pack(*row)
        ran = made.run([query(0)])
    assert order[-1] == "query"
    assert "span" in order[:-1]
    assert ran.path() == ["data", "a", "b"]
