"""How the latency that collocation adds divides: the parts sum to the whole, to the nanosecond."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from virtual import MS, SECOND, Traffic, chained, record, served

from mlbench.analysis.added import Added, added_latency
from mlbench.analysis.observation import observe
from mlbench.analysis.pairs import pairs_of
from mlbench.records import Outcome, Phase

pytestmark = pytest.mark.unit

STAGES = ("data", "a", "b", "c")


def added(alone: Traffic, together: Traffic) -> Added:
    one, two = (observe(record({"p": traffic}), "p") for traffic in (alone, together))
    found = added_latency(one, two, pairs_of(one.queries, two.queries))
    assert found is not None
    return found


def in_sum(found: Added) -> int:
    parts = sum(found.service_ns.values()) + sum(found.queueing_ns.values())
    return found.lateness_ns + parts + found.unmatched_ns


def test_a_slower_stage_is_where_the_time_is() -> None:
    due = np.arange(50) * SECOND
    alone = chained(due, np.full((50, 2), 10 * MS))
    together = chained(due, np.tile([10 * MS, 13 * MS], (50, 1)))
    found = added(alone, together)
    assert (found.queries, found.latency_ns) == (50, 50 * 3 * MS)
    assert found.service_ns == {"a": 0, "b": 150 * MS, "data": 0}
    assert set(found.queueing_ns.values()) == {0}
    assert (found.unmatched_ns, found.unmatched_share) == (0, 0)


def test_a_busy_server_adds_queueing_in_front_of_its_first_stage() -> None:
    due = np.arange(20) * 15 * MS
    found = added(served(due, 10 * MS), served(due, 20 * MS))
    waits = sum(5 * MS * query for query in range(20))
    assert found.service_ns["step"] == 20 * 10 * MS
    assert found.queueing_ns["data"] == waits
    assert found.latency_ns == 20 * 10 * MS + waits


def test_the_harness_may_be_late_in_one_of_them() -> None:
    due = np.arange(5) * SECOND
    found = added(served(due, MS), served(due, MS, late=3 * MS))
    assert (found.lateness_ns, found.latency_ns) == (15 * MS, 15 * MS)


def test_queries_that_are_not_done_in_both_are_left_out() -> None:
    due = np.arange(6) * SECOND
    found = added(served(due, MS, failed=[1]), served(due, 2 * MS, failed=[1, 4]))
    assert (found.queries, found.latency_ns) == (4, 4 * MS)


def test_how_many_are_left_out_is_counted() -> None:
    due = np.arange(6) * SECOND
    found = added(served(due, MS, failed=[1]), served(due, 2 * MS, failed=[1, 4]))
    assert (found.left_out, found.left_out_share) == (2, 2 / 6)
    whole = added(served(due, MS), served(due, 2 * MS))
    assert (whole.left_out, whole.left_out_share) == (0, 0)


def test_without_a_pair_there_is_nothing_to_divide() -> None:
    one, two = (observe(record({"p": served([0], 1, failed=failed)}), "p") for failed in ([], [0]))
    assert added_latency(one, two, pairs_of(one.queries, two.queries)) is None


def path(stages: list[tuple[int, int, int, int]]) -> Traffic:
    """One query whose spans follow each other: stage, visit, queueing and service."""
    now, rows = 0, []
    for index, (stage, visit, waits, takes) in enumerate(stages):
        ready, start, end = now, now + waits, now + waits + takes
        rows.append((index, [index - 1] if index else [], stage, visit, ready, start, end))
        now = end
    keys = ("span", "parents", "stage", "visit", "ready", "start", "end")
    spans = {key: [row[i] for row in rows] for i, key in enumerate(keys)}
    return of_spans({**spans, "query": [0] * len(rows)}, [now])


def of_spans(spans: dict[str, Any], done: list[int], sent: list[int] | None = None) -> Traffic:
    query, begin = list(range(len(done))), sent or [0] * len(done)
    stamps = {"query": query, "item": query, "due": begin, "sent": begin}
    worker = {"received": begin, "started": begin, "done": done}
    kinds = {"phase": [Phase.LOAD] * len(done), "outcome": [Outcome.DONE] * len(done)}
    return Traffic(
        dispatch=stamps,
        completions={**stamps, **worker, **kinds, "error": [None] * len(done)},
        spans={**spans, "outcome": [Outcome.DONE] * len(spans["span"])},
        end_ns=SECOND,
        stages=STAGES,
    )


def test_visits_of_a_loop_are_compared_with_their_like() -> None:
    """Together the loop goes around once more: that visit has no partner."""
    alone = path([(0, 1, 0, 5), (1, 1, 2, 10), (1, 2, 0, 10), (2, 1, 0, 7)])
    together = path([(0, 1, 0, 5), (1, 1, 2, 11), (1, 2, 4, 13), (1, 3, 1, 14), (2, 1, 0, 7)])
    found = added(alone, together)
    assert found.service_ns == {"data": 0, "a": 1 + 3, "b": 0}
    assert found.queueing_ns == {"data": 0, "a": 4, "b": 0}
    assert found.unmatched_ns == 15
    assert found.unmatched_share == 15 / (34 + 57)
    assert in_sum(found) == found.latency_ns == 57 - 34


def test_another_branch_that_came_last_has_no_partner() -> None:
    alone = path([(0, 1, 0, 5), (1, 1, 0, 10)])
    together = path([(0, 1, 0, 5), (2, 1, 0, 12)])
    found = added(alone, together)
    assert (found.unmatched_ns, found.latency_ns) == (2, 2)
    assert found.unmatched_share == 22 / (15 + 17)
    assert set(found.service_ns.values()) == {0}


def graphs(random: Random, queries: int) -> Traffic:
    """Queries that fork, join and loop at random, over few stages so that visits repeat."""
    rows: list[tuple[int, ...]] = []
    parents: list[list[int]] = []
    done, sent = [], []

    def visit(query: int, of: list[int], ready: int, lineage: tuple[int, ...]) -> Any:
        stage = random.randrange(len(STAGES))
        start = ready + random.choice([0, 0, 3, 11])
        end = start + random.choice([0, 2, 7, 20])
        visited = (*lineage, stage)
        rows.append((len(rows), query, stage, visited.count(stage), ready, start, end))
        parents.append(of)
        return end, len(rows) - 1, visited

    for query in range(queries):
        sent.append(random.randrange(1000))
        branches = [visit(query, [], sent[-1], ())]
        for _ in range(random.randrange(9)):
            random.shuffle(branches)
            end, span, lineage = branches.pop()
            action = random.choice(["go", "go", "fork", "join"])
            if action == "join" and branches:
                first, *others = sorted([(end, span, lineage), branches.pop()], reverse=True)
                ids = [first[1], *(other[1] for other in others)]
                branches.append(visit(query, ids, first[0], first[2]))
            else:
                branches += [
                    visit(query, [span], end, lineage) for _ in range(2 if action == "fork" else 1)
                ]
        done.append(max(row[-1] for row in rows if row[1] == query))
    keys = ("span", "query", "stage", "visit", "ready", "start", "end")
    spans: dict[str, Any] = {key: [row[i] for row in rows] for i, key in enumerate(keys)}
    return of_spans({**spans, "parents": parents}, done, sent)


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_sum_to_the_whole_on_made_up_graphs(seed: int) -> None:
    alone, together = graphs(Random(seed), 30), graphs(Random(seed + 1000), 30)
    due = {"due": [0] * 30}
    alone, together = (
        replace(t, dispatch={**t.dispatch, **due}, completions={**t.completions, **due})
        for t in (alone, together)
    )
    found = added(alone, together)
    assert found.queries == 30
    assert in_sum(found) == found.latency_ns
    assert 0 < found.unmatched_share < 1


@pytest.mark.parametrize("seed", range(5))
def test_a_run_adds_nothing_to_itself(seed: int) -> None:
    traffic = graphs(Random(seed), 30)
    found = added(traffic, traffic)
    assert in_sum(found) == found.latency_ns == 0
    assert set(found.service_ns.values()) | set(found.queueing_ns.values()) == {0}
    assert found.unmatched_share == 0
