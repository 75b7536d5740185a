"""Edges, cycles, joins and routers: what a graph must look like to end every query."""

from __future__ import annotations

import pytest

from mlbench.interfaces.stage import stage

pytestmark = pytest.mark.unit


@stage(outputs=["yes", "no"])
def decide(payload: object) -> object:
    return payload


class TestEdges:
    def test_every_name_is_a_stage(self, told):
        stages = {
            "first": {"to": ["secnd", "second"]},
            "second": {"join": ["frist", "first"], "to": {"x": "thrid"}},
        }
        assert told(stages, entry="frst")[:4] == [
            "entry: no stage is called 'frst' (did you mean 'first'?)",
            "stages.first.to.0: no stage is called 'secnd' (did you mean 'second'?)",
            "stages.second.to.x: no stage is called 'thrid' (known: first, second)",
            "stages.second.join.0: no stage is called 'frist' (did you mean 'first'?)",
        ]

    def test_then_is_a_stage_too(self, told):
        stages = {"a": {"to": "b"}, "b": {"uses": decide, "to": {"yes": "a", "no": "out"}}}
        stages["b"] |= {"max_visits": 2, "then": "ot"}
        assert told(stages | {"out": {}}) == [
            "stages.b.then: no stage is called 'ot' (did you mean 'out'?)"
        ]

    def test_every_stage_can_be_reached(self, told):
        assert told({"a": {}, "b": {}}) == [
            "stages.b: no path leads here from the entry 'a' (write to: b in 'a')"
        ]

    def test_of_stages_behind_one_another_the_first_is_told(self, told):
        stages = {"a": {"to": "e"}, "b": {"to": "c"}, "c": {"to": "d"}, "d": {}, "e": {}}
        assert told(stages) == [
            "stages.b: no path leads here from the entry 'a' "
            "(write to: b in the stage before it; to: [e, b] in 'a' goes to both)"
        ]

    def test_of_a_cycle_that_nothing_leads_to_one_stage_is_told(self, told):
        stages = {"a": {}, "b": {"to": "c"}, "c": {"to": "b", "max_visits": 2, "then": "a"}}
        (found,) = told(stages)
        assert found.startswith("stages.b: no path leads here")

    def test_the_entry_is_where_paths_begin(self, told):
        assert told({"a": {}, "b": {"to": "a"}}, entry="b") == []
        assert told({"a": {}, "b": {"to": "a"}}, entry="a") == [
            "stages.b: no path leads here from the entry 'a' (write to: b in 'a')"
        ]

    def test_a_misspelt_edge_is_one_mistake_not_two(self, told):
        assert told({"a": {"to": "bb"}, "b": {}}) == [
            "stages.a.to: no stage is called 'bb' (did you mean 'b'?)"
        ]

    def test_a_fan_out_names_each_stage_once(self, told):
        assert told({"a": {"to": ["b", "b"]}, "b": {}}) == [
            "stages.a.to.1: the fan-out names 'b' twice"
        ]

    def test_edges_may_merge(self, told):
        assert told({"a": {"to": ["b", "c"]}, "b": {"to": "d"}, "c": {"to": "d"}, "d": {}}) == []

    def test_data_is_the_name_of_a_span(self, told):
        assert told({"data": {}}) == [
            "stages.data: 'data' is the span that fetches an item; a stage needs another name"
        ]

    def test_a_long_chain_is_checked_without_recursion(self, told):
        chain = {f"s{i}": {"to": f"s{i + 1}"} for i in range(400)} | {"s400": {}}
        assert told(chain) == []


class TestCycles:
    def test_one_without_a_bound_is_named_by_its_path(self, told):
        stages = {
            "in": {"to": "a"},
            "a": {"to": "b"},
            "b": {"uses": decide, "to": {"yes": "out", "no": "a"}},
            "out": {},
        }
        assert told(stages) == [
            "stages.a: the cycle a -> b -> a never ends "
            "(give one of its stages max_visits and then)"
        ]

    def test_a_stage_may_be_a_cycle_of_its_own(self, told):
        assert told({"a": {"to": "a"}}) == [
            "stages.a: the cycle a -> a never ends (give one of its stages max_visits and then)"
        ]

    def test_each_cycle_is_told(self, told):
        loop = {"uses": decide}
        stages = {
            "a": loop | {"to": {"yes": "b", "no": "a"}},
            "b": loop | {"to": {"yes": "c", "no": "b"}},
            "c": {},
        }
        assert [text.partition(" never")[0] for text in told(stages)] == [
            "stages.a: the cycle a -> a",
            "stages.b: the cycle b -> b",
        ]

    def loop(self, **bound: object) -> dict[str, dict[str, object]]:
        return {
            "retrieve": {"to": "grade"},
            "grade": {"uses": decide, "to": {"yes": "generate", "no": "rewrite"}},
            "rewrite": {"to": "retrieve", **bound},
            "generate": {},
        }

    def test_one_bound_in_it_is_enough(self, told):
        assert told(self.loop(max_visits=2, then="generate")) == []

    def test_max_visits_needs_then(self, told):
        assert told(self.loop(max_visits=2)) == [
            "stages.rewrite.max_visits: needs then: the stage that a branch goes to after the last"
        ]

    def test_then_needs_max_visits(self, told):
        assert told(self.loop(then="generate"))[-1] == (
            "stages.rewrite.then: needs max_visits: the visits after which it is taken"
        )

    @pytest.mark.parametrize("inside", ["grade", "retrieve", "rewrite"])
    def test_then_leaves_the_cycle(self, told, inside):
        assert told(self.loop(max_visits=2, then=inside)) == [
            f"stages.rewrite.then: {inside!r} leads back to 'rewrite'; then must leave the cycle "
            "(outside of it: generate)"
        ]

    def test_a_bound_without_a_cycle_counts_nothing(self, told):
        assert told({"a": {"to": "b", "max_visits": 2, "then": "c"}, "b": {}, "c": {}}) == [
            "stages.a.max_visits: no cycle leads back to 'a'"
        ]


class TestJoins:
    def diamond(self, **join: object) -> dict[str, dict[str, object]]:
        return {
            "a": {"to": ["b", "c"]},
            "b": {"to": "d"},
            "c": {"to": "d"},
            "d": {"join": ["b", "c"], **join},
        }

    def test_a_diamond_completes(self, told):
        assert told(self.diamond()) == []

    def test_a_fan_out_may_have_an_edge_of_its_own_to_the_join(self, told):
        stages = {"a": {"to": ["b", "d"]}, "b": {"to": "d"}, "d": {"join": ["a", "b"]}}
        assert told(stages) == []

    def test_a_fan_out_and_its_join_may_stand_in_a_loop(self, told):
        stages = self.diamond(uses=decide, to={"yes": "out", "no": "a"}, max_visits=3, then="out")
        assert told(stages | {"out": {}}) == []

    def test_every_source_has_an_edge_to_it(self, told):
        stages = self.diamond() | {"c": {}}
        assert told(stages) == [
            "stages.d.join.1: 'c' has no edge to 'd' (edges come from: b)",
        ]

    def test_every_edge_to_it_is_in_its_list(self, told):
        stages = self.diamond() | {"a": {"to": ["b", "c", "e"]}, "e": {"to": "d"}}
        assert told(stages) == ["stages.d.join: 'e' has an edge to 'd' but is not in the list"]

    def test_one_source_is_no_join(self, told):
        assert told({"a": {"to": "b"}, "b": {"join": ["a"]}}) == [
            "stages.b.join: expected at least two stages (without join, branches merge)"
        ]

    def test_it_names_a_source_once(self, told):
        assert told(self.diamond(join=["b", "c", "b"])) == [
            "stages.d.join.2: the join names 'b' twice"
        ]

    def test_the_branches_of_a_router_never_meet(self, told):
        stages = self.diamond() | {"a": {"uses": decide, "to": {"yes": "b", "no": "c"}}}
        assert told(stages) == [
            "stages.d.join: never completes: no fan-out sends a branch of its own to each of b, c "
            "(make one with to: [first, second])"
        ]

    def test_one_branch_cannot_serve_two_sources(self, told):
        stages = {
            "a": {"to": ["x", "other"]},
            "x": {"uses": decide, "to": {"yes": "b", "no": "c"}},
            "other": {},
            "b": {"to": "d"},
            "c": {"to": "d"},
            "d": {"join": ["b", "c"]},
        }
        (problem,) = told(stages)
        assert problem.startswith("stages.d.join: never completes")

    def test_then_is_no_branch_of_a_fan_out(self, told):
        stages = {
            "a": {"to": ["b", "x"], "max_visits": 2, "then": "c"},
            "x": {},
            "b": {"uses": decide, "to": {"yes": "d", "no": "a"}},
            "c": {"to": "d"},
            "d": {"join": ["b", "c"]},
        }
        (problem,) = told(stages)
        assert problem.startswith("stages.d.join: never completes")

    def test_two_branches_never_come_by_one_edge(self, told):
        stages = {
            "a": {"to": ["b", "c", "e"]},
            "b": {"to": "merged"},
            "c": {"to": "merged"},
            "merged": {"to": "d"},
            "e": {"to": "d"},
            "d": {"join": ["merged", "e"]},
        }
        assert told(stages) == [
            "stages.d.join: always gets two branches from 'merged': the fan-out 'a' sends one "
            "over 'b' and one over 'c'"
        ]

    def test_the_entry_is_none(self, told):
        stages = {
            "a": {"join": ["b", "c"], "to": ["b", "c"], "max_visits": 2, "then": "out"},
            "b": {"to": "a"},
            "c": {"to": "a"},
            "out": {},
        }
        assert told(stages) == [
            "stages.a.join: the entry 'a' cannot join: a query enters it as one branch"
        ]


class TestRouters:
    def test_each_output_leads_somewhere(self, told):
        assert told({"a": {"uses": decide, "to": {"yes": "b"}}, "b": {}}) == [
            f"stages.a.to: the output 'no' of {NAME!r} leads nowhere"
        ]

    def test_only_outputs_lead_somewhere(self, told):
        stages = {"a": {"uses": decide, "to": {"yes": "b", "no": "b", "yess": "b"}}, "b": {}}
        assert told(stages) == [
            f"stages.a.to.yess: {NAME!r} has no output 'yess' (did you mean 'yes'?)"
        ]

    @pytest.mark.parametrize("to", ["b", ["b"], None])
    def test_a_router_needs_a_mapping(self, told, to):
        stages = {"a": {"uses": decide, "to": to}, "b": {}}
        hint = "(write to: {yes: ..., no: ...})"
        assert f"stages.a.to: {NAME!r} is a router {hint}" in told(stages)

    def test_a_stage_without_outputs_takes_none(self, told):
        assert told({"a": {"to": {"yes": "b"}}, "b": {}}) == [
            "stages.a.to: 'synthetic.noop' is no router: it has no outputs (write to: b)"
        ]

    def test_outputs_may_depend_on_options(self, told):
        options = {"weights": {"left": 1, "right": 2}}
        stages = {"a": {"uses": "synthetic.route", "with": options, "to": {"left": "b"}}, "b": {}}
        assert told(stages) == [
            "stages.a.to: the output 'right' of 'synthetic.route' leads nowhere"
        ]


NAME = f"{__name__}:decide"
