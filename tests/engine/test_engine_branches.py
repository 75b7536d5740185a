"""Fan-out, merge and join: who shares what, who waits for whom, and in which order."""

from __future__ import annotations

import threading

import pytest
from support import (
    NOOP,
    bench_of,
    in_both,
    items_of,
    query,
    rig,
    run,
    unchecked,
    wait_for,
)

from mlbench.interfaces.stage import Route, stage
from mlbench.records import Outcome

pytestmark = pytest.mark.unit

DIAMOND = {
    "fork": {"to": ["left", "right"]},
    "left": {"to": "both"},
    "right": {"to": "both"},
    "both": {"join": ["left", "right"]},
}
"""A fan-out and its join."""


@stage
def lower(text: object) -> str:
    return str(text).lower()


@stage
def upper(text: object) -> str:
    return str(text).upper()


class TestAFanOut:
    @in_both
    def test_sends_a_branch_of_its_own_to_each_successor(self, execution):
        ran = run({"a": {"to": ["b", "c", "d"]}, "b": {}, "c": {}, "d": {}}, 1, execution)
        assert sorted(ran.path()) == ["a", "b", "c", "d", "data"]
        assert [ran.one(name).branch for name in "abcd"] == [0, 1, 2, 3]
        assert {ran.one(name).parents for name in "bcd"} == {(ran.one("a").span,)}

    def test_runs_its_branches_in_declared_order_each_to_its_end(self):
        stages = {
            "a": {"to": ["c", "b", "d"]},
            "b": {"to": "end_b"},
            "end_b": {},
            "c": {"to": ["c1", "c2"]},
            "c1": {},
            "c2": {},
            "d": {},
        }
        assert run(stages).path() == ["data", "a", "c", "c1", "c2", "b", "end_b", "d"]

    @in_both
    def test_hands_the_payload_on_by_reference(self, execution):
        seen, lock = [], threading.Lock()

        @stage
        def look(payload: object) -> object:
            with lock:
                seen.append(payload)
            return payload

        item = object()
        stages = {"a": {"to": ["b", "c"]}, "b": {"uses": look}, "c": {"uses": look}}
        run(stages, 1, execution, data=items_of(item))
        assert len(seen) == 2
        assert all(one is item for one in seen)

    @in_both
    def test_gives_each_branch_its_own_result(self, execution):
        stages = {
            "a": {"to": ["b", "c"]},
            "b": {"uses": lower, "to": "d"},
            "c": {"uses": upper, "to": "e"},
            "d": {},
            "e": {},
        }
        ran = run(stages, 1, execution, data=items_of("Text"))
        assert ran.said() == {"d": "text", "e": "TEXT"}

    @in_both
    def test_is_done_when_its_last_branch_has_ended(self, execution):
        ran = run({"a": {"to": ["b", "c"]}, "b": {}, "c": {"to": "d"}, "d": {}}, 20, execution)
        for number in range(20):
            assert ran.ended(number).done == max(span.end for span in ran.of(number))

    @in_both
    def test_names_the_output_of_each_sink(self, execution):
        ran = run({"a": {"to": ["b", "c"]}, "b": {}, "c": {}}, 1, execution, data=items_of("x"))
        assert ran.said() == {"b": "x", "c": "x"}
        assert sorted(row["branch"] for row in ran.outputs) == [1, 2]


@in_both
class TestAMerge:
    STAGES = {
        "a": {"to": ["b", "c"]},
        "b": {"to": "m"},
        "c": {"to": "m"},
        "m": {"to": "d"},
        "d": {},
    }

    def test_is_one_visit_for_each_branch_that_arrives(self, execution):
        ran = run(self.STAGES, 1, execution)
        spans = ran.of(0, "m")
        assert {span.branch for span in spans} == {1, 2}
        assert {span.parents[0] for span in spans} == {ran.one("b").span, ran.one("c").span}
        assert len(ran.of(0, "d")) == 2

    def test_is_the_first_visit_of_each_of_them(self, execution):
        assert {span.visit for span in run(self.STAGES, 1, execution).of(0, "m")} == {1}

    def test_gives_the_output_of_each(self, execution):
        stages = {**self.STAGES, "b": {"uses": lower, "to": "m"}, "c": {"uses": upper, "to": "m"}}
        ran = run(stages, 1, execution, data=items_of("Text"))
        assert sorted(ran.said()["d"]) == ["TEXT", "text"]


@in_both
class TestAJoin:
    def test_runs_once_with_a_dict_of_payloads_in_declared_order(self, execution):
        stages = {
            **DIAMOND,
            "left": {"uses": lower, "to": "both"},
            "right": {"uses": upper, "to": "both"},
            "both": {"join": ["right", "left"]},
        }
        ran = run(stages, 1, execution, data=items_of("Text"))
        assert ran.said() == {"both": {"right": "TEXT", "left": "text"}}
        assert list(ran.said()["both"]) == ["right", "left"]
        assert len(ran.of(0, "both")) == 1

    def test_is_a_branch_of_its_own_that_follows_all_of_them(self, execution):
        ran = run(
            {**DIAMOND, "both": {"join": ["left", "right"], "to": "end"}, "end": {}}, 1, execution
        )
        joined = ran.one("both")
        assert joined.branch == ran.one("end").branch == 3
        assert set(joined.parents) == {ran.one("left").span, ran.one("right").span}

    def test_is_ready_when_the_last_has_come_which_is_its_first_parent(self, execution):
        ran = run(DIAMOND, 20, execution)
        for number in range(20):
            both = ran.one("both", number)
            last = max((ran.one(side, number) for side in ("left", "right")), key=lambda s: s.end)
            assert both.ready == last.end
            assert both.parents[0] == last.span

    def test_may_have_an_edge_of_the_fan_out_itself(self, execution):
        stages = {"a": {"to": ["both", "b"]}, "b": {"to": "both"}, "both": {"join": ["a", "b"]}}
        ran = run(stages, 1, execution)
        assert ran.path() == ["data", "a", "b", "both"]
        assert ran.one("both").parents == (ran.one("b").span, ran.one("a").span)

    def test_takes_branches_that_went_ways_of_different_lengths(self, execution):
        stages = {**DIAMOND, "left": {"to": "far"}, "far": {"to": "both"}}
        stages["both"] = {"join": ["far", "right"]}
        ran = run(stages, 5, execution)
        assert ran.outcomes == [Outcome.DONE] * 5

    def test_that_joins_what_joins_gave_has_all_their_spans_as_parents(self, execution):
        stages = {
            "a": {"to": ["b", "c"]},
            "b": {"to": ["b1", "b2"]},
            "b1": {"to": "bs"},
            "b2": {"to": "bs"},
            "bs": {"join": ["b1", "b2"], "to": "all"},
            "c": {"to": ["c1", "c2"]},
            "c1": {"to": "cs"},
            "c2": {"to": "cs"},
            "cs": {"join": ["c1", "c2"], "to": "all"},
            "all": {"join": ["bs", "cs"]},
        }
        ran = run(stages, 10, execution, data=items_of(*range(10)))
        assert ran.outcomes == [Outcome.DONE] * 10
        for number in range(10):
            assert set(ran.one("all", number).parents) == {
                ran.one("bs", number).span,
                ran.one("cs", number).span,
            }
            leaf = {"bs": {"b1": number, "b2": number}, "cs": {"c1": number, "c2": number}}
            assert ran.said(number) == {"all": leaf}


@in_both
class TestNestedFanOuts:
    def test_join_inside_and_then_outside(self, execution):
        stages = {
            "a": {"to": ["b", "c"]},
            "b": {"to": ["x", "y"]},
            "x": {"to": "inner"},
            "y": {"to": "inner"},
            "inner": {"join": ["x", "y"], "to": "outer"},
            "c": {"to": "outer"},
            "outer": {"join": ["inner", "c"]},
        }
        ran = run(stages, 3, execution, data=items_of("p", "q", "r"))
        assert ran.said(1) == {"outer": {"inner": {"x": "q", "y": "q"}, "c": "q"}}
        assert len(ran.of(2, "outer")) == 1

    def test_may_end_in_one_join_of_the_outer_one_s_instance(self, execution):
        """The inner fan-out sends one branch to the join and one to a sink of its own."""
        stages = {
            "a": {"to": ["b", "c"]},
            "b": {"to": ["x", "log"]},
            "x": {"to": "both"},
            "log": {},
            "c": {"to": "both"},
            "both": {"join": ["x", "c"]},
        }
        ran = run(stages, 2, execution)
        assert ran.outcomes == [Outcome.DONE] * 2
        assert ran.said(1) == {"log": 1, "both": {"x": 1, "c": 1}}

    def test_of_one_stage_are_instances_of_their_own(self, execution):
        """Both branches of a merge into one fan-out, which forks once for each."""
        stages = {
            "a": {"to": ["b", "c"]},
            "b": {"to": "fork"},
            "c": {"to": "fork"},
            "fork": {"to": ["x", "y"]},
            "x": {"to": "both"},
            "y": {"to": "both"},
            "both": {"join": ["x", "y"]},
        }
        ran = run(stages, 5, execution)
        for number in range(5):
            joined = ran.of(number, "both")
            assert len(joined) == 2
            by_id = {span.span: span for span in ran.of(number)}
            for span in joined:
                forks = {by_id[parent].parents for parent in span.parents}
                assert len(forks) == 1, "it joined branches of two instances"


@in_both
class TestAJoinThatCannotComplete:
    def test_fails_the_query_whose_branch_was_routed_away_and_says_so(self, execution):
        stages = {
            **DIAMOND,
            "left": {"uses": "synthetic.route", "with": {"cycle": ["in", "out"]}}
            | {"to": {"in": "both", "out": "away"}},
            "away": {},
        }
        ran = run(stages, 4, execution)
        assert ran.outcomes == [Outcome.DONE, Outcome.FAILED] * 2
        assert ran.ended(1).error == (
            "JoinError: the join 'both' got a branch from right but none from left: "
            "it was routed away"
        )
        assert ran.of(1, "both") == []
        assert ran.said(1) == {"away": 1}

    @pytest.mark.parametrize("order", [["a", "b", "c"], ["a", "c", "b"], ["c", "a", "b"]])
    def test_fails_when_two_branches_come_from_one_stage(self, execution, order):
        """`check` finds it, so the graph is made without."""
        stages = {
            "fork": {"to": order},
            "a": {"to": "m"},
            "b": {"to": "m"},
            "m": {"to": "both"},
            "c": {"to": "both"},
            "both": {"join": ["m", "c"]},
        }
        ran = run(unchecked(bench_of(stages)), 3, execution)
        errors = {ran.ended(number).error for number in range(3)}
        assert errors == {"JoinError: the join 'both' got two branches from 'm'"}

    @pytest.mark.parametrize("order", [["a", "b", "c", "d"], ["a", "c", "b", "d"]])
    def test_runs_at_most_once_for_an_instance_whatever_the_order(self, execution, order):
        """Two branches come from each side: they would make two pairs, if they came in pairs."""
        stages = {
            "fork": {"to": order},
            "a": {"to": "m"},
            "b": {"to": "m"},
            "c": {"to": "n"},
            "d": {"to": "n"},
            "m": {"to": "both"},
            "n": {"to": "both"},
            "both": {"join": ["m", "n"]},
        }
        ran = run(unchecked(bench_of(stages)), 3, execution)
        assert ran.outcomes == [Outcome.FAILED] * 3
        assert max(len(ran.of(number, "both")) for number in range(3)) <= 1
        for number in range(3):
            assert "got two branches from" in str(ran.ended(number).error)

    def test_fails_when_no_fan_out_is_around_it(self, execution):
        @stage(outputs=["x", "y"])
        def to_x(payload: object) -> Route:
            return Route("x", payload)

        stages = {
            "r": {"uses": to_x, "to": {"x": "x", "y": "fork"}},
            "fork": {"to": ["x", "y"]},
            "x": {"to": "both"},
            "y": {"to": "both"},
            "both": {"join": ["x", "y"]},
        }
        ran = run(stages, 2, execution)
        assert ran.outcomes == [Outcome.FAILED] * 2
        assert "is inside of no instance of its fan-out" in str(ran.ended().error)

    def test_leaves_nothing_behind_for_the_next_query(self, execution):
        stages = {**DIAMOND, "left": {"uses": "synthetic.fail", "with": {"at": 0}, "to": "both"}}
        ran = run(stages, 3, execution)
        assert ran.outcomes == [Outcome.FAILED, Outcome.DONE, Outcome.DONE]
        assert [ran.one("both", number).branch for number in (1, 2)] == [3, 3]


class TestUnderReordering:
    """Two workers on one side of a diamond: a later query overtakes an earlier one."""

    def test_a_join_matches_by_query_never_by_arrival(self):
        overtaken = threading.Event()

        @stage
        def left(number: int) -> str:
            if number == 0:
                wait_for(overtaken)
            return f"left {number}"

        @stage
        def right(number: int) -> str:
            return f"right {number}"

        @stage
        def both(parts: dict[str, str]) -> dict[str, str]:
            if parts["right"] == "right 1":
                overtaken.set()
            return parts

        stages = {
            "fork": {"to": ["left", "right"]},
            "left": {"uses": left, "to": "both", "workers": 2},
            "right": {"uses": right, "to": "both"},
            "both": {"uses": both, "join": ["left", "right"]},
        }
        ran = run(stages, 3, "pipelined")
        assert ran.one("both", 1).end < ran.one("both", 0).start
        for n in range(3):
            assert ran.said(n) == {"both": {"left": f"left {n}", "right": f"right {n}"}}
            assert ran.one("both", n).parents[0] in {s.span for s in ran.of(n)}
        assert ran.one("both", 0).parents[0] == ran.one("left", 0).span

    def test_a_join_matches_by_instance_inside_one_query(self):
        """Two instances of one fan-out in one query, the second joined before the first."""
        overtaken = threading.Event()

        @stage
        def first(number: int) -> str:
            return "first"

        @stage
        def second(number: int) -> str:
            return "second"

        @stage
        def slow(word: str) -> str:
            if word == "first":
                wait_for(overtaken)
            return f"slow {word}"

        @stage
        def both(parts: dict[str, str]) -> dict[str, str]:
            if parts["quick"] == "second":
                overtaken.set()
            return parts

        stages = {
            "a": {"to": ["first", "second"]},
            "first": {"uses": first, "to": "fork"},
            "second": {"uses": second, "to": "fork"},
            "fork": {"to": ["slow", "quick"]},
            "slow": {"uses": slow, "to": "both", "workers": 2},
            "quick": {"to": "both"},
            "both": {"uses": both, "join": ["slow", "quick"]},
        }
        ran = run(stages, 1, "pipelined")
        assert ran.said()["both"] == [
            {"slow": "slow second", "quick": "second"},
            {"slow": "slow first", "quick": "first"},
        ]


@in_both
class TestARouter:
    STAGES = {
        "r": {"uses": "synthetic.route", "with": {"cycle": ["x", "y"]}, "to": {"x": "a", "y": "b"}},
        "a": {},
        "b": {},
    }

    def test_sends_exactly_one_branch_on(self, execution):
        ran = run(self.STAGES, 4, execution)
        assert [ran.path(n) for n in range(4)] == [["data", "r", "a"], ["data", "r", "b"]] * 2

    def test_writes_its_choice_into_its_span_and_into_no_other(self, execution):
        ran = run(self.STAGES, 2, execution)
        assert [ran.one("r", n).route for n in range(2)] == ["x", "y"]
        assert {span.route for span in ran.spans if span.stage != "r"} == {None}

    def test_hands_on_the_payload_inside_the_route(self, execution):
        @stage(outputs=["only"])
        def wrap(payload: object) -> Route:
            return Route("only", ["wrapped", payload])

        stages = {"r": {"uses": wrap, "to": {"only": "a"}}, "a": NOOP}
        assert run(stages, 1, execution).said() == {"a": ["wrapped", 0]}

    def test_that_names_no_output_of_its_own_fails_the_query(self, execution):
        @stage(outputs=["good", "bad"])
        def typo(payload: object) -> Route:
            return Route("goood", payload)

        ran = run({"r": {"uses": typo, "to": {"good": "a", "bad": "a"}}, "a": NOOP}, 1, execution)
        assert ran.ended().error == (
            "RouteError: the router 'r' chose 'goood', which is none of its outputs "
            "(did you mean 'good'?)"
        )
        assert ran.one("r").outcome is Outcome.FAILED
        assert ran.one("r").route is None
        assert ran.of(0, "a") == []

    @pytest.mark.parametrize("name", [["x"], None, 3])
    def test_may_name_anything_and_is_told_that_it_is_none(self, execution, name):
        @stage(outputs=["x"])
        def odd(payload: object) -> Route:
            return Route(name, payload)

        ran = run({"r": {"uses": odd, "to": {"x": "a"}}, "a": NOOP}, 1, execution)
        assert ran.outcomes == [Outcome.FAILED]

    def test_that_returns_no_route_fails_the_query(self, execution):
        @stage(outputs=["x"])
        def forgets(payload: object) -> object:
            return payload

        ran = run({"r": {"uses": forgets, "to": {"x": "a"}}, "a": NOOP}, 1, execution)
        assert ran.ended().error == (
            "RouteError: the router 'r' returned int; a router returns mlbench.Route(name, payload)"
        )

    def test_may_lead_several_outputs_to_one_stage(self, execution):
        stages = {**self.STAGES, "r": {**self.STAGES["r"], "to": {"x": "a", "y": "a"}}}
        del stages["b"]
        ran = run(stages, 2, execution)
        assert [ran.path(n) for n in range(2)] == [["data", "r", "a"]] * 2
        assert [ran.one("r", n).route for n in range(2)] == ["x", "y"]


def test_branches_of_many_queries_do_not_mix():
    stages = {
        **DIAMOND,
        "left": {"to": "both", "workers": 2},
        "right": {"to": "both", "workers": 3},
    }
    items = [object() for _ in range(100)]
    seen = []

    @stage
    def both(parts: dict[str, object]) -> None:
        seen.append((parts["left"], parts["right"]))

    stages["both"] = {"uses": both, "join": ["left", "right"]}
    with rig(stages, "pipelined", data=items_of(*items)) as made:
        made.run([query(number) for number in range(100)])
    assert len(seen) == 100
    assert all(left is right for left, right in seen)
    assert {id(left) for left, _ in seen} == {id(item) for item in items}


def test_a_join_takes_instances_of_either_fan_out_that_a_router_chose():
    stages = {
        "r": {
            "uses": "synthetic.route",
            "with": {"cycle": ["l", "m"]},
            "to": {"l": "f", "m": "g"},
        },
        "f": {"uses": "synthetic.noop", "to": ["b", "c"]},
        "g": {"uses": "synthetic.noop", "to": ["b", "c"]},
        "b": {"uses": "synthetic.noop", "to": "j"},
        "c": {"uses": "synthetic.noop", "to": "j"},
        "j": {"uses": "synthetic.noop", "join": ["b", "c"]},
    }
    for execution in ("serial", "pipelined"):
        ran = run(stages, 6, execution)
        assert set(ran.outcomes) == {Outcome.DONE}
        assert all(len(ran.of(query, "j")) == 1 for query in range(6))
