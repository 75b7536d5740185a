"""The critical path of each query: which of its time was service and which was queueing.

It leads from the query's last-ending span back along first parents, which for a join is
the branch that came last, to the span that fetched the item. Along it, to the nanosecond::

    end of the last span - ready of the first = sum of service + sum of queueing

because each span is ready when its first parent ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from mlbench.analysis.arrays import (
    Integers,
    Mask,
    Rows,
    Tabular,
    chunks,
    column,
    finder,
    greatest,
    lists,
    together,
)
from mlbench.analysis.pieces import Pieces
from mlbench.records import NULL

__all__ = ["Paths", "Steps", "critical_paths", "critical_walk"]

Located = Callable[[Integers], Rows]
"""From the index of a query to its row among those asked for; -1 where it is not."""


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
    """Spans on critical paths, at most one of each query, arrays of shape (steps,).

    Parameters
    ----------
    query
        Row of its query among those that were asked for.
    stage, visit
        As in `SPANS`.
    service_ns, queueing_ns
        From start to end, and from ready to start.
    """

    query: Rows
    stage: Integers
    visit: Integers
    service_ns: Integers
    queueing_ns: Integers


@dataclass(frozen=True)
class Block:
    """Spans that are looked at together.

    Parameters
    ----------
    query
        Row of the query of each; -1 of one that was not asked for.
    parent
        Id of its first parent, `NULL` of one that follows none.
    others
        Further parents, those of joins: row of the query, and id.
    columns
        The columns of `SPANS` that are wanted, by name.
    """

    query: Rows
    parent: Integers
    others: tuple[Rows, Integers]
    columns: Mapping[str, Integers]


@dataclass(frozen=True)
class Links:
    """Spans as a forest: for each, its query and its first parent, as rows; -1 for none."""

    query: Rows
    parent: Rows
    leaf: Mask


TIMES = ("span", "ready", "start", "end")
PLACE = ("stage", "visit")


def critical_paths(spans: Pieces, queries: Integers) -> Paths:
    """The critical path of each of ``queries``.

    The spans of a query are looked at once all of them have come, so that memory is taken
    by the queries that are in flight at the same time, and not by all. The walk costs one
    step for each span on a critical path, however deep the chains are.

    Parameters
    ----------
    spans
        `SPANS` of one pipeline, in any order; little memory if about in that of time.
    queries
        Distinct indices of queries, shape (queries,).
    """
    paths = _none(queries.size)
    for block in _blocks(spans, queries, TIMES):
        _walk(block, paths)
    return paths


def critical_walk(spans: Pieces, queries: Integers) -> tuple[Paths, Sequence[Steps]]:
    """The critical paths, and every span on them from the last of each query to the first.

    Parameters
    ----------
    spans, queries
        As of `critical_paths`. In memory, a step takes 32 bytes.
    """
    paths, kept = _none(queries.size), []
    for block in _blocks(spans, queries, (*TIMES, *PLACE)):
        kept += _walk(block, paths, steps=True)
    return paths, kept


def _none(queries: int) -> Paths:
    return Paths(*(np.full(queries, NULL, dtype=np.int64) for _ in range(4)))


# -- which spans are looked at together --------------------------------------------------


def _blocks(spans: Pieces, queries: Integers, names: Sequence[str]) -> Iterator[Block]:
    """The spans in blocks, in each those of all queries whose last span has come by then."""
    if not queries.size:
        return
    located = finder(queries)
    until, end = _until(spans, located, queries.size), 0
    left = _after(None, spans.table.slice(0, 0), located, names)
    waiting: list[Tabular] = []
    for piece in spans:
        waiting.append(piece)
        end += len(piece)
        if end < len(spans) and sum(map(len, waiting)) < left.query.size:
            continue  # so that each span is copied a few times only, however many are left over
        block = _after(left, together(waiting), located, names)
        left, whole = _split(block, until, end)
        waiting = []
        yield whole


def _until(spans: Pieces, located: Located, queries: int) -> Integers:
    """How many rows there are up to the end of the piece with the last span of each query."""
    until, end = np.zeros(queries, dtype=np.int64), 0
    for piece in spans:
        end += len(piece)
        rows = located(column(piece, "query"))
        until[rows[rows >= 0]] = end
    return until


def _after(left: Block | None, table: Tabular, located: Located, names: Sequence[str]) -> Block:
    """The spans of a part of the table, after those that were left over."""
    parts: dict[str, list[Integers]] = {name: chunks(table, name) for name in names}
    query = located(column(table, "query"))
    parent, rows, others = _parents(table)
    whose = query[rows]
    if left is not None:
        parts = {name: [left.columns[name], *part] for name, part in parts.items()}
        query, parent = np.concatenate([left.query, query]), np.concatenate([left.parent, parent])
        whose = np.concatenate([left.others[0], whose])
        others = np.concatenate([left.others[1], others])
    columns = {name: np.concatenate(part) for name, part in parts.items()}
    return Block(query, parent, (whose, others), columns)


def _split(block: Block, until: Integers, end: int) -> tuple[Block, Block]:
    """The spans of queries that go on after so many rows; and all, as if nobody asked for those."""
    query, (whose, others) = block.query, block.others
    rows, joins = (np.flatnonzero((of >= 0) & (until[of] > end)) for of in (query, whose))
    columns = {name: values[rows] for name, values in block.columns.items()}
    left = Block(query[rows], block.parent[rows], (whose[joins], others[joins]), columns)
    asked = query.copy()
    asked[rows] = -1
    return left, Block(asked, block.parent, block.others, block.columns)


def _parents(table: Tabular) -> tuple[Integers, Rows, Integers]:
    """The first parent of each span, `NULL` without one; rows that have others, and these."""
    none = np.empty(0, dtype=np.int64)
    firsts, rows, others, begin = [none], [none], [none], 0
    for offsets, values in lists(table, "parents"):
        first, row, other = _parents_of_chunk(offsets, values)
        firsts.append(first)
        rows.append(row + begin)
        others.append(other)
        begin += len(first)
    return np.concatenate(firsts), np.concatenate(rows), np.concatenate(others)


def _parents_of_chunk(offsets: Rows, values: Integers) -> tuple[Integers, Rows, Integers]:
    counts = np.diff(offsets)
    has = counts > 0
    firsts = np.full(counts.size, NULL, dtype=np.int64)
    places = offsets[:-1][has]
    firsts[has] = values[places]
    none = np.empty(0, dtype=np.int64)
    if not places.size or offsets[-1] - offsets[0] == places.size:
        return firsts, none, none
    rest = np.zeros(values.size, dtype=np.bool_)
    rest[offsets[0] : offsets[-1]] = True
    rest[places] = False
    return firsts, np.repeat(np.arange(counts.size), np.maximum(counts - 1, 0)), values[rest]


# -- the walk ----------------------------------------------------------------------------


def _walk(block: Block, paths: Paths, steps: bool = False) -> list[Steps]:
    """Put the paths of the queries of a block among the others; the steps of it, if asked for."""
    links, kept = _links(block), []
    start, end = block.columns["start"], block.columns["end"]
    service, queueing = end - start, start - block.columns["ready"]
    rows = _last_leaves(block, links)
    query, last = links.query[rows], end[rows]
    so_far = np.zeros(rows.size, np.int64), np.zeros(rows.size, np.int64)
    left = 2 * end.size  # each span is on one path at most, unless parents go in a circle
    for _ in range(_longest(links)):
        left -= rows.size
        if left < 0:
            break
        parts = service[rows], queueing[rows]
        so_far = so_far[0] + parts[0], so_far[1] + parts[1]
        if steps:
            stage, visit = (block.columns[name][rows] for name in PLACE)
            kept.append(Steps(query, stage, visit, *parts))
        there = block.parent[rows] == NULL
        if there.any():
            ready = block.columns["ready"][rows]
            _write(paths, query, Paths(*so_far, ready, last), there)
        rows = links.parent[rows]
        on = rows >= 0
        query, last, rows = _chosen(query, on), _chosen(last, on), _chosen(rows, on)
        so_far = _chosen(so_far[0], on), _chosen(so_far[1], on)
    return kept


def _write(paths: Paths, query: Rows, found: Paths, chosen: Mask) -> None:
    """Write down some of the paths that were found, each in the row of its query."""
    query = _chosen(query, chosen)
    together = query[-1] - query[0] + 1 == query.size and (query[1:] > query[:-1]).all()
    rows = slice(query[0], query[-1] + 1) if together else query
    for part in fields(Paths):
        getattr(paths, part.name)[rows] = _chosen(getattr(found, part.name), chosen)


def _chosen(values: Integers, mask: Mask) -> Integers:
    """Those that a mask has, without copying where it has all."""
    return values if mask.all() else values[mask]


def _links(block: Block) -> Links:
    """No path leads through the span of another query, whatever a damaged table says."""
    found, query = finder(block.columns["span"]), block.query
    parent = found(block.parent)
    parent = np.where(query[parent] == query, parent, -1)
    leaf = query >= 0
    leaf[parent[parent >= 0]] = False
    whose, others = block.others
    joined = found(others)
    leaf[joined[(joined >= 0) & (query[joined] == whose)]] = False
    return Links(query, parent, leaf)


def _last_leaves(block: Block, links: Links) -> Rows:
    """The row of the last-ending span of each query that has one.

    A span that another follows may end at the same instant as it, when that one took no
    time; only spans that none follows are looked at, so the path starts from the deepest.
    Of branches that end at the same instant the one with the later id is taken.
    """
    rows = np.flatnonzero(links.leaf)
    query = links.query[rows]
    if bool((query[1:] > query[:-1]).all()):  # each has one
        return rows
    group, groups = links.query - query.min(), int(query.max() - query.min()) + 1
    for name in ("end", "span"):
        rows = greatest(block.columns[name], group, rows, groups)
    last = np.full(groups, -1, dtype=np.int64)
    last[group[rows]] = rows
    return last[last >= 0]


def _longest(links: Links) -> int:
    """A bound for the walk, so that a damaged table whose parents go in a circle ends it."""
    queries = links.query[links.query >= 0]
    return int(np.bincount(queries - queries.min()).max()) if queries.size else 0
