"""The critical path of each query: which of its time was service and which was queueing.

It leads from the query's last-ending span back along first parents, which for a join is
the branch that came last, to the span that fetched the item. Along it, to the nanosecond::

    end of the last span - ready of the first = sum of service + sum of queueing

because each span is ready when its first parent ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import Integers, Mask, Rows, column, locate
from mlbench.records import NULL

__all__ = ["Paths", "critical_paths"]


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
    offsets = chunk.offsets.to_numpy()
    values = chunk.values.to_numpy()
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
    rows = _greatest(column(spans, "end"), links.query, rows, queries)
    rows = _greatest(column(spans, "span"), links.query, rows, queries)
    last = np.full(queries, -1, dtype=np.int64)
    last[links.query[rows]] = rows
    return last


def _greatest(values: Integers, group: Rows, rows: Rows, groups: int) -> Rows:
    """The rows whose value is the greatest of their group."""
    best = np.full(groups, NULL, dtype=np.int64)
    here, mine = values[rows], group[rows]
    np.maximum.at(best, mine, here)
    kept: Rows = rows[here == best[mine]]
    return kept


def _walk(spans: pa.Table, links: Links, last: Rows) -> Paths:
    begin, start, end = (column(spans, name) for name in ("ready", "start", "end"))
    service, queueing = np.zeros(last.size, np.int64), np.zeros(last.size, np.int64)
    ready = np.full(last.size, NULL, dtype=np.int64)
    walking = np.flatnonzero(last >= 0)
    rows = last[walking]
    final = np.full(last.size, NULL, dtype=np.int64)
    final[walking] = end[rows]
    for _ in range(_longest(links)):
        service[walking] += end[rows] - start[rows]
        queueing[walking] += start[rows] - begin[rows]
        arrived = links.first[rows]
        ready[walking[arrived]] = begin[rows[arrived]]
        rows = links.parent[rows]
        walking, rows = walking[rows >= 0], rows[rows >= 0]
    whole = ready != NULL
    return Paths(*(np.where(whole, part, NULL) for part in (service, queueing, ready, final)))


def _longest(links: Links) -> int:
    """A bound for the walk, so that a damaged table whose parents go in a circle ends it."""
    queries = links.query[links.query >= 0]
    return int(np.bincount(queries).max()) if queries.size else 0
