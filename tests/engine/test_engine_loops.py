"""Bounded loops: visits are counted along a branch's own lineage, and every loop ends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from support import NOOP, again_until, in_both, items_of, run

from mlbench.interfaces.stage import Route, stage
from mlbench.records import Outcome

pytestmark = pytest.mark.unit

RETRY = {
    "retrieve": {"to": "grade"},
    "grade": {
        "uses": "synthetic.route",
        "with": {"cycle": ["irrelevant", "relevant"]},
        "to": {"relevant": "generate", "irrelevant": "rewrite"},
    },
    "rewrite": {"to": "retrieve", "max_visits": 2, "then": "generate"},
    "generate": {},
}
"""Four stages with one retry for even queries: output (query + visit - 1) mod 2 is taken."""


def rounds(number: int) -> type:
    return items_of({"rounds": number})


@stage
def count_up(payload: dict[str, int]) -> dict[str, int]:
    return {**payload, "count": payload.get("count", 0) + 1}


@in_both
class TestALoop:
    def test_of_four_no_ops_with_one_retry_has_eight_spans(self, execution):
        ran = run(RETRY, 2, execution)
        again = ["retrieve", "grade", "rewrite", "retrieve", "grade", "generate"]
        assert ran.path(0) == ["data", *again]
        assert ran.path(1) == ["data", "retrieve", "grade", "generate"]
        assert [s.visit for s in ran.of(0)] == [1, 1, 1, 1, 2, 2, 1]
        assert [s.branch for s in ran.of(0)] == [0] * 7
        assert [s.route for s in ran.of(0, "grade")] == ["irrelevant", "relevant"]
        assert all(after.parents == (s.span,) for s, after in pairwise(ran.of(0)))
        assert all(after.ready == s.end for s, after in pairwise(ran.of(0)))
        assert ran.outcomes == [Outcome.DONE] * 2

    def test_visits_a_stage_at_most_as_often_as_it_says(self, execution):
        stages = {
            "work": {"uses": count_up, "to": "check", "max_visits": 3, "then": "end"},
            "check": {"uses": again_until, "to": {"again": "work", "done": "end"}},
            "end": {},
        }
        ran = run(stages, 1, execution, data=rounds(1000))
        assert [span.visit for span in ran.of(0, "work")] == [1, 2, 3]
        assert len(ran.of(0, "check")) == 3
        assert len(ran.of(0, "end")) == 1

    def test_sends_a_branch_to_then_with_the_payload_that_it_came_with(self, execution):
        stages = {
            "work": {"uses": count_up, "to": "check", "max_visits": 3, "then": "end"},
            "check": {"uses": again_until, "to": {"again": "work", "done": "end"}},
            "end": {},
        }
        ran = run(stages, 1, execution, data=rounds(1000))
        assert ran.said() == {"end": {"rounds": 997, "count": 3}}
        assert ran.one("end").parents == (ran.of(0, "check")[-1].span,)

    def test_may_end_before_its_bound(self, execution):
        stages = {
            "work": {"uses": count_up, "to": "check", "max_visits": 9, "then": "end"},
            "check": {"uses": again_until, "to": {"again": "work", "done": "end"}},
            "end": {},
        }
        assert run(stages, 1, execution, data=rounds(2)).said()["end"]["count"] == 3

    def test_may_be_a_stage_that_leads_to_itself(self, execution):
        stages = {
            "r": {
                "uses": again_until,
                "to": {"again": "r", "done": "end"},
                "max_visits": 4,
                "then": "end",
            },
            "end": {},
        }
        ran = run(stages, 1, execution, data=rounds(1000))
        assert [span.visit for span in ran.of(0, "r")] == [1, 2, 3, 4]
        assert ran.said() == {"end": {"rounds": 996}}

    def test_may_be_as_long_as_one_likes(self, execution):
        stages = {
            "r": {
                "uses": again_until,
                "to": {"again": "r", "done": "end"},
                "max_visits": 3000,
                "then": "end",
            },
            "end": {},
        }
        assert len(run(stages, 1, execution, data=rounds(9999)).of(0, "r")) == 3000


@in_both
class TestThen:
    def test_may_lead_to_a_stage_whose_visits_are_used_up_and_so_on_to_its_then(self, execution):
        """Branches leave the first loop into the second, and that one through its own bound."""

        @stage(outputs=["x", "y"])
        def on(payload: object) -> Route:
            return Route("x", payload)

        stages = {
            "a": {"to": "b", "max_visits": 2, "then": "c"},
            "b": {"uses": on, "to": {"x": "a", "y": "c"}},
            "c": {"uses": on, "to": {"x": "c", "y": "end"}, "max_visits": 2, "then": "d"},
            "d": {"uses": on, "to": {"x": "d", "y": "end"}, "max_visits": 1, "then": "end"},
            "end": {},
        }
        ran = run(stages, 1, execution)
        assert ran.path() == ["data", "a", "b", "a", "b", "c", "c", "d", "end"]

    def test_skips_a_stage_without_a_visit_left(self, execution):
        """Into ``last`` by an edge and by two thens, in one step and without a span."""

        @stage(outputs=["x", "y", "z"])
        def round_and_round(payload: dict[str, int]) -> Route:
            turn = payload["rounds"]
            return Route("xyz"[turn % 3], {"rounds": turn + 1})

        stages = {
            "r": {"uses": round_and_round, "to": {"x": "a", "y": "b", "z": "b"}},
            "a": {"to": "r", "max_visits": 1, "then": "last"},
            "b": {"to": "r", "max_visits": 1, "then": "last"},
            "last": {},
        }
        ran = run(stages, 1, execution, data=rounds(0))
        assert ran.path() == ["data", "r", "a", "r", "b", "r", "last"]
        assert ran.one("last").visit == 1

    def test_may_lead_into_a_join(self, execution):
        stages = {
            "fork": {"to": ["loop", "side"]},
            "loop": {"uses": count_up, "to": "check", "max_visits": 2, "then": "both"},
            "check": {"uses": again_until, "to": {"again": "loop", "done": "gone"}},
            "gone": {},
            "side": {"to": "both"},
            "both": {"join": ["loop", "side"]},
        }
        ran = run(stages, 1, execution, data=rounds(1000))
        assert ran.said() == {
            "both": {"loop": {"rounds": 998, "count": 2}, "side": {"rounds": 1000}}
        }
        assert ran.of(0, "check")[-1].span in ran.one("both").parents


@in_both
class TestBranchesInALoop:
    def test_of_one_fan_out_have_counts_of_their_own(self, execution):
        """Each branch goes round the shared loop as often as the bound says."""
        stages = {
            "fork": {"to": ["b", "c"]},
            "b": {"to": "work"},
            "c": {"to": "work"},
            "work": {"to": "check", "max_visits": 3, "then": "end"},
            "check": {"uses": again_until, "to": {"again": "work", "done": "end"}},
            "end": {},
        }
        ran = run(stages, 1, execution, data=rounds(1000))
        for branch in (1, 2):
            visits = [span.visit for span in ran.of(0, "work") if span.branch == branch]
            assert visits == [1, 2, 3]
        assert len(ran.of(0, "end")) == 2

    def test_start_from_the_count_of_the_branch_that_forked(self, execution):
        stages = {
            "work": {"to": "check", "max_visits": 3, "then": "end"},
            "check": {"uses": again_until, "to": {"again": "fork", "done": "end"}},
            "fork": {"to": ["work", "log"]},
            "log": {},
            "end": {},
        }
        ran = run(stages, 1, execution, data=rounds(1000))
        assert [(span.visit, span.branch) for span in ran.of(0, "work")] == [(1, 0), (2, 1), (3, 3)]
        assert len(ran.of(0, "log")) == 3
        assert len(ran.of(0, "end")) == 1

    def test_may_double_each_time_and_still_end_by_counting(self, execution):
        stages = {
            "work": {"to": ["left", "right"], "max_visits": 4, "then": "end"},
            "left": {"to": "work"},
            "right": {"to": "work"},
            "end": {},
        }
        ran = run(stages, 2, execution)
        for number in range(2):
            assert len(ran.of(number, "work")) == 1 + 2 + 4 + 8
            assert len(ran.of(number, "end")) == 16
            assert len({span.branch for span in ran.of(number, "end")}) == 16
        assert ran.outcomes == [Outcome.DONE] * 2

    def test_may_fork_and_join_once_in_each_round(self, execution):
        @stage
        def once_more(parts: dict[str, dict[str, int]]) -> dict[str, int]:
            assert list(parts) == ["left", "right"]
            assert parts["left"] == parts["right"]
            return parts["left"]

        stages = {
            "fork": {"to": ["left", "right"]},
            "left": {"to": "both"},
            "right": {"to": "both"},
            "both": {"uses": once_more, "join": ["left", "right"], "to": "check"},
            "check": {"uses": again_until, "to": {"again": "bound", "done": "end"}},
            "bound": {"to": "fork", "max_visits": 3, "then": "end"},
            "end": {},
        }
        ran = run(stages, 3, execution, data=items_of(*({"rounds": n} for n in (0, 2, 1000))))
        assert [len(ran.of(n, "both")) for n in range(3)] == [1, 3, 4]
        assert [span.visit for span in ran.of(2, "both")] == [1, 2, 3, 4]
        assert [span.visit for span in ran.of(2, "left")] == [1, 2, 3, 4]
        assert ran.outcomes == [Outcome.DONE] * 3

    def test_joined_have_the_greater_count_of_both(self, execution):
        """Only one of the two has been to ``pre``, and the joined branch remembers it."""
        stages = {
            "fork": {"to": ["pre", "right"]},
            "pre": {"to": "both", "max_visits": 2, "then": "end"},
            "right": {"to": "both", "max_visits": 2, "then": "end"},
            "both": {"join": ["pre", "right"], "to": "fork"},
            "end": {},
        }
        ran = run(stages, 1, execution)
        assert [span.visit for span in ran.of(0, "pre")] == [1, 2]
        assert [span.visit for span in ran.of(0, "right")] == [1, 2]
        assert [span.visit for span in ran.of(0, "fork")] == [1, 2, 3]
        assert len(ran.of(0, "end")) == 2
        assert ran.outcomes == [Outcome.DONE]


def test_a_loop_leads_back_to_the_entry_stage_too():
    stages = {
        "a": {"to": "b", "max_visits": 3, "then": "end"},
        "b": {"to": "a"},
        "end": NOOP,
    }
    for execution in ("serial", "pipelined"):
        assert [s.visit for s in run(stages, 1, execution).of(0, "a")] == [1, 2, 3]
