"""The critical path through forks, joins and loops, against a walk span by span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual import chunked, table_of

from mlbench.analysis.arrays import locate
from mlbench.analysis.critical import Steps, critical_paths, critical_walk
from mlbench.analysis.pieces import Pieces
from mlbench.records import NULL, SPANS

pytestmark = pytest.mark.unit

Row = dict[str, Any]


def row(span: int, parents: list[int], *times: int, query: int = 0) -> Row:
    ready, start, end = times
    stamps = {"ready": ready, "start": start, "end": end}
    return {"span": span, "query": query, "parents": parents, **stamps}


def pieces(rows: list[Row], size: int = 5, batch: int = 7) -> Pieces:
    spans = table_of(SPANS, {key: [row[key] for row in rows] for key in rows[0]})
    return Pieces(chunked(spans, batch), rows=size)


def paths(rows: list[Row], queries: list[int], size: int = 5) -> list[tuple[int, ...]]:
    found = critical_paths(pieces(rows, size), np.array(queries, dtype=np.int64))
    parts = (found.service_ns, found.queueing_ns, found.ready_ns, found.end_ns)
    return list(zip(*(part.tolist() for part in parts), strict=True))


def made_up(random: Random, query: int, first_id: int) -> list[Row]:
    """A query that forks, joins and loops at random; ids in the order of creation."""
    rows: list[Row] = []

    def visit(parents: list[int], ready: int) -> tuple[int, int]:
        start = ready + random.choice([0, 0, 3, 11])
        end = start + random.choice([0, 0, 2, 7, 20])
        rows.append(row(first_id + len(rows), parents, ready, start, end, query=query))
        return end, first_id + len(rows) - 1

    open_branches = [visit([], random.randrange(1000))]
    for _ in range(random.randrange(25)):
        random.shuffle(open_branches)
        end, span = open_branches.pop()
        action = random.choice(["go", "go", "fork", "join"])
        if action == "join" and open_branches:
            others = sorted([(end, span), open_branches.pop()], reverse=True)
            open_branches.append(visit([s for _, s in others], others[0][0]))
        else:
            open_branches += [visit([span], end) for _ in range(2 if action == "fork" else 1)]
    return rows


def by_hand(rows: list[Row]) -> tuple[int, int]:
    """Service and queueing of the path that ends last, one span after the other."""
    by_id: dict[int, Row] = {r["span"]: r for r in rows}
    followed = {parent for r in rows for parent in r["parents"]}
    ends = [(r["end"], r["span"]) for r in by_id.values() if r["span"] not in followed]
    here: int | None = max(ends)[1]
    service = queueing = 0
    while here is not None:
        span = by_id[here]
        service += span["end"] - span["start"]
        queueing += span["start"] - span["ready"]
        here = next(iter(span["parents"]), None)
    return service, queueing


def all_made_up(random: Random, count: int) -> tuple[list[list[Row]], list[Row]]:
    """So many queries, and all spans of them, whose ids count on from one to the next."""
    queries, rows = [made_up(random, query, 0) for query in range(count)], []
    for made in queries:
        shift = len(rows)
        rows += [
            r | {"span": r["span"] + shift, "parents": [p + shift for p in r["parents"]]}
            for r in made
        ]
    return queries, rows


@pytest.mark.parametrize("seed", range(20))
def test_the_identity_holds_on_made_up_graphs(seed: int) -> None:
    random = Random(seed)
    queries, rows = all_made_up(random, 40)
    random.shuffle(rows)
    size = random.choice([1, 3, 50, 10_000])
    for (service, queueing, ready, end), made in zip(
        paths(rows, list(range(40)), size), queries, strict=True
    ):
        assert (service, queueing) == by_hand(made)
        assert ready == made[0]["ready"]
        assert end == max(r["end"] for r in made)
        assert end - ready == service + queueing


@settings(deadline=None, max_examples=40)
@given(st.randoms(use_true_random=False), st.integers(1, 40), st.integers(0, 60))
def test_paths_and_their_steps_do_not_depend_on_the_pieces(
    random: Random, size: int, disorder: int
) -> None:
    _, rows = all_made_up(random, 8)
    rows = [row | {"stage": random.randrange(3), "visit": random.randrange(1, 3)} for row in rows]
    order = [number + random.randint(0, disorder) for number in range(len(rows))]
    rows = [row for _, row in sorted(zip(order, rows, strict=True), key=itemgetter(0))]
    asked = np.array(random.sample(range(8), 6))
    whole, walked = (critical_walk(pieces(rows, each), asked) for each in (10_000, size))
    for part in ("service_ns", "queueing_ns", "ready_ns", "end_ns"):
        expected = getattr(whole[0], part).tolist()
        assert getattr(walked[0], part).tolist() == expected
        assert getattr(critical_paths(pieces(rows, size), asked), part).tolist() == expected
    assert told(walked[1]) == told(whole[1])


def told(walked: Sequence[Steps]) -> list[tuple[int, ...]]:
    """Every step with all that is known of it."""
    names = ("query", "stage", "visit", "service_ns", "queueing_ns")
    columns = [[getattr(steps, name).tolist() for name in names] for steps in walked]
    return sorted(step for each in columns for step in zip(*each, strict=True))


def test_what_was_read_is_given_back_piece_by_piece() -> None:
    given_back: list[int] = []
    spans = pieces([row(i, [], 0, 0, 1, query=i) for i in range(12)])
    critical_paths(replace(spans, release=lambda: given_back.append(1)), np.arange(12))
    assert len(given_back) >= 3


def test_a_parent_in_another_query_is_none() -> None:
    """Whether it stands in the same piece or in another one."""
    rows = [row(0, [], 0, 0, 5, query=7), row(1, [0], 5, 6, 9, query=8)]
    for batch in (1, 2):
        found = critical_paths(pieces(rows, 1, batch), np.array([7, 8]))
        assert found.end_ns.tolist() == [5, NULL]


def test_a_join_follows_the_branch_that_came_last() -> None:
    rows = [
        row(0, [], 0, 0, 10),
        row(1, [0], 10, 10, 15),
        row(2, [0], 10, 12, 40),
        row(3, [2, 1], 40, 41, 50),
    ]
    assert paths(rows, [0]) == [(10 + 28 + 9, 2 + 1, 0, 50)]


def test_a_loop_adds_each_visit() -> None:
    rows = [row(i, [i - 1] if i else [], 10 * i, 10 * i + 4, 10 * i + 10) for i in range(6)]
    assert paths(rows, [0]) == [(36, 24, 0, 60)]


def test_of_spans_that_end_together_the_deepest_is_the_last() -> None:
    """A child that took no time ends with its parent, here under a smaller id."""
    rows = [row(9, [], 0, 0, 10), row(8, [9], 10, 10, 10), row(7, [8], 10, 10, 10)]
    assert paths(rows, [0]) == [(10, 0, 0, 10)]


def test_a_branch_that_ends_at_a_join_of_no_length_is_not_the_last() -> None:
    rows = [
        row(0, [], 0, 0, 10),
        row(5, [0], 10, 15, 20),
        row(6, [0], 10, 10, 20),
        row(1, [5, 6], 20, 20, 20),
    ]
    assert paths(rows, [0]) == [(10 + 5, 5, 0, 20)]


def test_a_chain_of_a_hundred() -> None:
    rows = [row(i, [i - 1] if i else [], i, i, i + 1) for i in range(100)]
    assert paths(rows, [0]) == [(100, 0, 0, 100)]


def test_a_path_with_a_hole_is_null() -> None:
    assert paths([row(2, [1], 10, 10, 20)], [0]) == [(NULL,) * 4]


def test_spans_that_nobody_asked_for_have_no_paths() -> None:
    assert paths([row(0, [], 0, 0, 1)], []) == []


def test_a_query_without_spans_is_null() -> None:
    assert paths([row(0, [], 0, 0, 1, query=3)], [2, 3]) == [(NULL,) * 4, (1, 0, 0, 1)]


def test_spans_of_other_queries_are_passed_over() -> None:
    rows = [row(0, [], 0, 0, 5, query=-1), row(1, [], 0, 1, 2, query=4)]
    assert paths(rows, [4]) == [(1, 1, 0, 2)]


def test_parents_that_go_in_a_circle_end_the_walk() -> None:
    rows = [row(0, [1], 0, 0, 0), row(1, [0], 0, 0, 0), row(2, [1], 0, 0, 1)]
    assert paths(rows, [0]) == [(NULL,) * 4]


@pytest.mark.parametrize("step", [1, 10**12])
def test_rows_are_found_by_key_dense_or_sparse(step: int) -> None:
    keys = np.array([5, 3, 4]) * step
    wanted = np.array([3, 4, 5, 6, -2, NULL // step + 1]) * step
    assert locate(keys, wanted).tolist() == [1, 2, 0, -1, -1, -1]


def test_nothing_is_found_in_nothing() -> None:
    assert locate(np.array([], dtype=np.int64), np.array([1, 2])).tolist() == [-1, -1]
