"""The critical path of each query: which of its time was service and which was queueing.

It leads from the query's last-ending span back along first parents, which for a join is
the branch that came last, to the span that fetched the item. Along it, to the nanosecond::

    end of the last span - ready of the first = sum of service + sum of queueing

because each span is ready when its first parent ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import Integers, Mask, Rows, column, greatest, locate
from mlbench.records import NULL
from mlbench.store.arrow import to_numpy

__all__ = ["Paths", "Steps", "critical_paths", "critical_walk"]


@dataclass(frozen=True)
class Paths:
    """The critical path of each query asked for, arrays of shape (queries,).

    Parameters
    ----------
    service_ns, queueing_ns
        Sums of end - start and of start - ready along it.
    ready_ns, end_ns
        Where it begins and ends.

    All are `NULL` for a query whose path is not wholly recorded.
    """

    service_ns: Integers
    queueing_ns: Integers
    ready_ns: Integers
    end_ns: Integers


@dataclass(frozen=True)
class Steps:
    """Every span on a critical path, arrays of shape (steps,).

    Parameters
    ----------
    query
        Row of its query among those that were asked for.
    span
        Row of the span in the table.
    """

    query: Rows
    span: Rows


@dataclass(frozen=True)
class Links:
    """Spans as a forest: for each, its query and its first parent, as rows; -1 for none."""

    query: Rows
    parent: Rows
    first: Mask
    leaf: Mask


def critical_paths(spans: pa.Table, queries: Integers) -> Paths:
    """The critical path of each of ``queries``, in one walk over all of them at once.

    Ten million spans take a few seconds and about 60 bytes each; the walk costs one step
    for each span on a critical path, however deep the chains are.

    Parameters
    ----------
    spans
        `SPANS` of one pipeline, in any order.
    queries
        Distinct indices of queries, shape (queries,).
    """
    links = _links(spans, queries)
    last = _last_leaves(spans, links, queries.size)
    return _walk(spans, links, last)


def critical_walk(spans: pa.Table, queries: Integers) -> tuple[Paths, Steps]:
    """The critical paths, and every span on them from the last of each query to the first.

    Parameters
    ----------
    spans, queries
        As of `critical_paths`. In memory, a step takes 16 bytes.
    """
    links = _links(spans, queries)
    kept: list[tuple[Rows, Rows]] = []
    paths = _walk(spans, links, _last_leaves(spans, links, queries.size), kept)
    none = np.empty(0, dtype=np.int64)
    walking, rows = ([none, *(step[side] for step in kept)] for side in (0, 1))
    return paths, Steps(np.concatenate(walking), np.concatenate(rows))


def _links(spans: pa.Table, queries: Integers) -> Links:
    ids = column(spans, "span")
    query = locate(queries, column(spans, "query"))
    first_ids, other_ids = _parents(spans)
    first = first_ids == NULL
    parent = locate(ids, first_ids)
    leaf = query >= 0
    leaf[parent[parent >= 0]] = False
    others = locate(ids, other_ids)
    leaf[others[others >= 0]] = False
    return Links(query, parent, first, leaf)


def _parents(spans: pa.Table) -> tuple[Integers, Integers]:
    """The first parent of each span, `NULL` without one; and all the others, flat."""
    pairs = [_parents_of_chunk(chunk) for chunk in spans.column("parents").chunks]
    none = np.empty(0, dtype=np.int64)
    firsts = np.concatenate([none, *(first for first, _ in pairs)])
    return firsts, np.concatenate([none, *(others for _, others in pairs)])


def _parents_of_chunk(chunk: pa.ListArray) -> tuple[Integers, Integers]:
    offsets = to_numpy(chunk.offsets)
    values = to_numpy(chunk.values)
    has = offsets[1:] > offsets[:-1]
    firsts = np.full(len(chunk), NULL, dtype=np.int64)
    places = offsets[:-1][has]
    firsts[has] = values[places]
    if not has.any() or offsets[-1] - offsets[0] == places.size:
        return firsts, np.empty(0, dtype=np.int64)
    rest = np.zeros(values.size, dtype=np.bool_)
    rest[offsets[0] : offsets[-1]] = True
    rest[places] = False
    return firsts, values[rest]


def _last_leaves(spans: pa.Table, links: Links, queries: int) -> Rows:
    """The row of each query's last-ending span, -1 without one.

    A span that another follows may end at the same instant as it, when that one took no
    time; only spans that none follows are looked at, so the path starts from the deepest.
    Of branches that end at the same instant the one with the later id is taken.
    """
    rows = np.flatnonzero(links.leaf)
    rows = greatest(column(spans, "end"), links.query, rows, queries)
    rows = greatest(column(spans, "span"), links.query, rows, queries)
    last = np.full(queries, -1, dtype=np.int64)
    last[links.query[rows]] = rows
    return last


def _walk(
    spans: pa.Table, links: Links, last: Rows, kept: list[tuple[Rows, Rows]] | None = None
) -> Paths:
    """Add up what is on the paths; put each step into ``kept``, where it is given."""
    begin, start, end = (column(spans, name) for name in ("ready", "start", "end"))
    service, queueing = np.zeros(last.size, np.int64), np.zeros(last.size, np.int64)
    ready = np.full(last.size, NULL, dtype=np.int64)
    final = np.full(last.size, NULL, dtype=np.int64)
    final[last >= 0] = end[last[last >= 0]]
    for walking, rows in _steps(links, last):
        service[walking] += end[rows] - start[rows]
        queueing[walking] += start[rows] - begin[rows]
        arrived = links.first[rows]
        ready[walking[arrived]] = begin[rows[arrived]]
        if kept is not None:
            kept.append((walking, rows))
    whole = ready != NULL
    return Paths(*(np.where(whole, part, NULL) for part in (service, queueing, ready, final)))


def _steps(links: Links, last: Rows) -> Iterator[tuple[Rows, Rows]]:
    """One span back on all paths at once: the queries that still walk, and where they are."""
    walking = np.flatnonzero(last >= 0)
    rows = last[walking]
    left = 2 * links.query.size  # each span is on one path at most, unless parents go in a circle
    for _ in range(_longest(links)):
        left -= rows.size
        if left < 0:
            return
        yield walking, rows
        rows = links.parent[rows]
        walking, rows = walking[rows >= 0], rows[rows >= 0]


def _longest(links: Links) -> int:
    """A bound for the walk, so that a damaged table whose parents go in a circle ends it."""
    queries = links.query[links.query >= 0]
    return int(np.bincount(queries).max()) if queries.size else 0
