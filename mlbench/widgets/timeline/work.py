"""Work: what the stages of one pipeline did, by time, in bounded memory.

The last spans are held one by one, for a close view; all of them as the time at work in bins
that double their width when there are too many of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlbench.analysis.arrays import Integers, Mask, column
from mlbench.figures.bins import busy_share
from mlbench.widgets.timeline.bins import Grid

__all__ = ["RECENT", "Spans", "Work"]

RECENT = 1 << 16
"""Spans that are held one by one, 1.6 MiB."""

COARSE_BINS = 1 << 15
COARSE_NS = 50_000_000


@dataclass(frozen=True)
class Spans:
    """Spans, one in each row.

    Parameters
    ----------
    start, end
        ns.
    stage, outcome
        Codes of the manifest and of `mlbench.records.Outcome`.
    """

    start: Integers
    end: Integers
    stage: NDArray[np.int32]
    outcome: NDArray[np.int32]

    def of(self, rows: Mask | slice) -> Spans:
        """Some of them."""
        return Spans(self.start[rows], self.end[rows], self.stage[rows], self.outcome[rows])

    @property
    def count(self) -> int:
        """How many."""
        return int(self.start.size)


class Work:
    """The spans of one pipeline.

    Parameters
    ----------
    stages
        How many there are.
    origin_ns
        Before its first span.
    """

    def __init__(self, stages: int, origin_ns: int) -> None:
        nothing, none = np.empty(0, np.int64), np.empty(0, np.int32)
        self._recent = Spans(nothing, nothing, none, none)
        self._since_ns = origin_ns
        self._origin_ns, self._width_ns = origin_ns, COARSE_NS
        self._busy = np.zeros((stages, 0))
        self.end_ns = origin_ns

    def add(self, batch: pa.RecordBatch) -> None:
        """Take what was written."""
        table = pa.Table.from_batches([batch])
        fresh = Spans(
            column(table, "start"),
            column(table, "end"),
            column(table, "stage").astype(np.int32),
            column(table, "outcome").astype(np.int32),
        )
        if fresh.count:
            self.end_ns = max(self.end_ns, int(fresh.end.max()))
            self._account(fresh)
            self._hold(fresh)

    def _hold(self, fresh: Spans) -> None:
        old = self._recent
        whole = Spans(
            np.concatenate([old.start, fresh.start]),
            np.concatenate([old.end, fresh.end]),
            np.concatenate([old.stage, fresh.stage]),
            np.concatenate([old.outcome, fresh.outcome]),
        )
        if whole.count > 2 * RECENT:
            left = whole.of(slice(whole.count - RECENT, None))
            self._since_ns = int(whole.end[: whole.count - RECENT].max())
            whole = left
        self._recent = whole

    def _account(self, fresh: Spans) -> None:
        """Add the time at work to the bins that the spans touch."""
        while (self.end_ns - self._origin_ns) // self._width_ns >= COARSE_BINS:
            even = self._busy.shape[1] % 2
            padded = np.pad(self._busy, ((0, 0), (0, even)))
            self._busy = padded.reshape(len(padded), -1, 2).sum(axis=2)
            self._width_ns *= 2
        first = max(0, (int(fresh.start.min()) - self._origin_ns) // self._width_ns)
        end = (self.end_ns - self._origin_ns) // self._width_ns + 1
        if end > self._busy.shape[1]:
            self._busy = np.pad(self._busy, ((0, 0), (0, end - self._busy.shape[1])))
        edges = self._origin_ns + self._width_ns * np.arange(first, end + 1, dtype=np.int64)
        for stage in np.unique(fresh.stage):
            if 0 <= stage < len(self._busy):
                mine = fresh.stage == stage
                share = busy_share(fresh.start[mine], fresh.end[mine], edges.astype(np.float64))
                self._busy[stage, first:end] += share * self._width_ns

    # -- what is drawn -------------------------------------------------------------------

    def between(self, begin_ns: int, end_ns: int) -> Spans | None:
        """The spans that touch a stretch; null where it reaches back beyond those held."""
        if begin_ns < self._since_ns and self._since_ns > self._origin_ns:
            return None
        return self._recent.of((self._recent.end >= begin_ns) & (self._recent.start <= end_ns))

    def shares(self, grid: Grid) -> NDArray[np.float64]:
        """How much of each bin each stage was at work, shape (stages, bins); over 1 for several."""
        edges = grid.edges
        near = self.between(int(edges[0]), int(edges[-1]))
        if near is None:
            return self._coarse_shares(grid)
        found = np.zeros((len(self._busy), grid.count))
        for stage in range(len(found)):
            mine = near.stage == stage
            found[stage] = busy_share(near.start[mine], near.end[mine], edges.astype(np.float64))
        return found

    def _coarse_shares(self, grid: Grid) -> NDArray[np.float64]:
        places = (grid.edges - self._origin_ns) / self._width_ns
        known = np.arange(self._busy.shape[1] + 1)
        sums = np.cumsum(np.pad(self._busy, ((0, 0), (1, 0))), axis=1)
        passed = np.stack([np.interp(places, known, row) for row in sums])
        return np.asarray(np.diff(passed, axis=1) / grid.width_ns)
