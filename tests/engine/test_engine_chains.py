"""A chain: what a query leaves behind when nothing forks and nothing fails."""

from __future__ import annotations

import weakref

import pytest
from support import NOOP, in_both, items_of, query, rig, run

from mlbench.interfaces.stage import stage
from mlbench.records import Outcome, Phase

pytestmark = pytest.mark.unit

CHAIN = {"a": {"to": "b"}, "b": {"to": "c"}, "c": {}}


@stage
def plus_one(number: int) -> int:
    return number + 1


@in_both
class TestAChain:
    def test_is_visited_in_order_behind_the_span_that_fetched_the_item(self, execution):
        assert run(CHAIN, execution=execution).path() == ["data", "a", "b", "c"]

    def test_is_one_branch_whose_spans_follow_each_other(self, execution):
        spans = run(CHAIN, execution=execution).of()
        assert [span.parents for span in spans] == [(), *((s.span,) for s in spans[:-1])]
        assert [(span.branch, span.visit) for span in spans] == [(0, 1)] * 4
        assert {span.outcome for span in spans} == {Outcome.DONE}

    def test_has_spans_that_are_ready_when_the_one_before_has_ended(self, execution):
        ran = run(CHAIN, execution=execution)
        data, *rest = ran.of()
        assert data.ready == ran.ended().sent
        for before, after in zip([data, *rest], rest, strict=False):
            assert after.ready == before.end

    def test_hands_each_result_on(self, execution):
        stages = {name: {"uses": plus_one, "to": to} for name, to in zip("abc", "bcd", strict=True)}
        assert run({**stages, "d": NOOP}, execution=execution).said() == {"d": 3}

    def test_hands_the_payload_on_by_reference(self, execution):
        seen = []

        @stage
        def look(payload: object) -> object:
            seen.append(payload)
            return payload

        item = object()
        run({"a": {"uses": look, "to": "b"}, "b": look}, execution=execution, data=items_of(item))
        assert all(one is item for one in seen)
        assert len(seen) == 2


@in_both
class TestACompletion:
    def test_has_the_five_stamps_of_its_query(self, execution):
        sent = query(0)
        ended = run(CHAIN, [sent], execution).ended()
        assert (ended.query, ended.item, ended.due, ended.sent, ended.received) == sent
        assert ended.received <= ended.started <= ended.done
        assert (ended.phase, ended.outcome, ended.error) == (Phase.LOAD, Outcome.DONE, None)

    def test_starts_with_the_data_span_and_is_done_with_the_last_one(self, execution):
        ran = run(CHAIN, 3, execution)
        for number in range(3):
            spans = ran.of(number)
            assert ran.ended(number).started == spans[0].start
            assert ran.ended(number).done == spans[-1].end

    def test_is_there_once_for_each_query(self, execution):
        ran = run(CHAIN, 50, execution)
        assert sorted(ended.query for ended in ran.completions) == list(range(50))

    def test_of_the_warm_up_says_so_and_has_no_output(self, execution):
        with rig(CHAIN, execution) as made:
            ran = made.run([query(-1), query(-2)])
        assert {ended.phase for ended in ran.completions} == {Phase.WARMUP}
        assert ran.outputs == []
        assert ran.path(-1) == ["data", "a", "b", "c"]


@in_both
def test_the_page_counts_the_queries_of_the_load_alone(execution):
    from mlbench.engine.page import Slot

    with rig({"a": {"uses": "synthetic.fail", "with": {"at": 2}}}, execution) as made:
        made.run([query(-1), query(-2)])
        made.page.clear()
        made.run(5)
        cells = made.page.cells
        assert (cells[Slot.ENDED], cells[Slot.FAILED], cells[Slot.OLDEST_STARTED_NS]) == (5, 1, 0)


class TestTheRowsOfASerialChain:
    """Its executor counts them by itself; what others put stands between them."""

    FAILS = {"a": {"uses": "synthetic.fail", "with": {"at": 1}, "to": "b"}, "b": {}}

    @staticmethod
    def marks(ring):
        return ring.take()[:, -1].tolist()

    def test_are_without_a_gap_whichever_executor_put_them(self):
        with rig(CHAIN) as made:
            for numbers in ((-1, -2), (0, 1, 2)):
                executor = made.serial
                for number in numbers:
                    executor.run(query(number))
            rings = made.records.rings
            assert self.marks(rings.spans) == list(range(1, 21))
            assert self.marks(rings.completions) == list(range(1, 6))

    def test_are_without_a_gap_where_a_stage_failed(self):
        with rig(self.FAILS) as made:
            executor = made.serial
            for number in range(3):
                executor.run(query(number))
            assert self.marks(made.records.rings.spans) == list(range(1, 9))

    def test_are_without_a_gap_where_a_query_was_cancelled(self):
        with rig(CHAIN) as made:
            executor = made.serial
            executor.run(query(0))
            made.records.cancelled(query(1))
            executor.run(query(2))
            assert self.marks(made.records.rings.completions) == [1, 2, 3]

    def test_go_around_the_ring(self):
        with rig(CHAIN) as made:
            executor, rings = made.serial, made.records.rings
            for lap in range(3):
                for number in range(1000):
                    executor.run(query(number))
                spans = rings.spans.take()
                assert spans[:, -1].tolist() == list(range(4000 * lap + 1, 4000 * lap + 4001))
                assert spans[:, 0].tolist() == [number for number in range(1000) for _ in range(4)]
                assert rings.completions.take()[:, 0].tolist() == list(range(1000))


def test_a_payload_is_not_kept_until_the_next_query():
    class Item:
        pass

    given = []

    @stage
    def give(number: int) -> Item:
        item = Item()
        given.append(weakref.ref(item))
        return item

    with rig({"a": {"uses": give}}, outputs="none") as made:
        executor = made.serial
        executor.run(query(0))
        assert given[0]() is None


@in_both
def test_outputs_can_be_left_out(execution):
    assert run({"a": {}}, 2, execution, outputs="none").outputs == []


@in_both
class TestTheItems:
    DATA = items_of("a", "b", "c", "d", "e")

    def test_of_a_query_is_the_one_that_it_names(self, execution):
        queries = [query(0, item=3), query(1, item=1)]
        ran = run({"s": {}}, queries, execution, data=self.DATA)
        assert (ran.said(0), ran.said(1)) == ({"s": "d"}, {"s": "b"})
        assert (ran.ended(0).item, ran.ended(1).item) == (3, 1)

    def test_come_as_a_list_in_a_static_batch_that_wraps_at_the_end(self, execution):
        data = {"uses": self.DATA, "items_per_query": 2}
        with rig({"s": {}}, execution, data=data) as made:
            assert made.pipeline.queries_per_pass == 3
            ran = made.run([query(number, item=2 * number) for number in range(3)])
        assert [ran.said(n)["s"] for n in range(3)] == [["a", "b"], ["c", "d"], ["e", "a"]]

    def test_may_be_fewer_than_a_static_batch_takes(self, execution):
        data = {"uses": items_of("a", "b"), "items_per_query": 5}
        ran = run({"s": {}}, 1, execution, data=data)
        assert ran.said() == {"s": ["a", "b", "a", "b", "a"]}
