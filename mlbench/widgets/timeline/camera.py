"""Camera: which stretch of a trace a browser looks at, and the frames that show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlbench.widgets.timeline.bins import Grid, binned, grid_of
from mlbench.widgets.timeline.frame import packed_samples, packed_shares, packed_spans
from mlbench.widgets.timeline.trace import Trace

__all__ = ["Camera", "View"]

MARGIN = 0.5
"""What is sent on each side of the window, as a share of it: for the first steps of a pan."""

MOST_TAIL = 64
"""Bins that the growing part may have before everything is sent anew."""

FEW = 16
"""Of more series than these a bin is two pixels wide: half the work, and hardly seen."""

LATE_NS = 10 * 10**9
"""A series whose last value is older than this is not waited for: it may have ended."""

MOST_SPANS = 1500
"""More spans in the window than these are drawn as shares of bins."""

LIVE_S = 60.0
"""The window of a run that goes on, where nobody chose another."""


@dataclass(frozen=True)
class View:
    """What the browser asked for.

    Parameters
    ----------
    follow
        Whether the window's end is the live edge.
    start, seconds
        Of the window; the start does not count while it follows, null seconds are all there is.
    pixels
        How wide the lanes are drawn.
    """

    follow: bool
    start: float | None
    seconds: float | None
    pixels: int

    @classmethod
    def of(cls, asked: Mapping[str, Any], going: bool) -> View:  # Any: from the browser
        """What it asked for, as far as it makes sense."""
        follow, start = bool(asked.get("follow", going)), _number(asked.get("start"))
        seconds = _number(asked.get("seconds", LIVE_S if going else None))
        if seconds is not None and seconds <= 0:
            seconds = None
        pixels = _number(asked.get("pixels"))
        return cls(follow, start, seconds, int(min(max(pixels or 800, 200), 2400)))

    def window(self, first_ns: int, edge_ns: int, zero_ns: int) -> tuple[int, int]:
        """Its begin and end, ns."""
        length_ns = None if self.seconds is None else round(self.seconds * 1e9)
        if length_ns is None:
            return first_ns, max(edge_ns, first_ns + 1)
        if self.follow or self.start is None:
            begin_ns = max(first_ns, edge_ns - length_ns)
        else:
            begin_ns = zero_ns + round(self.start * 1e9)
        return begin_ns, begin_ns + max(1, length_ns)


def _number(value: object) -> float | None:
    known = isinstance(value, int | float) and abs(value) < 1e9
    return float(value) if known else None  # type: ignore[arg-type]  # it is a number


class Camera:
    """Makes frames of a trace, and sends no bin again that has not changed.

    Parameters
    ----------
    trace
        What is shown.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._grid: Grid | None = None
        self._shown: tuple[int, ...] = ()
        self._going = True
        self.sequence = 0

    def samples(self, view: View, series: Sequence[int]) -> tuple[bytes | None, bytes]:
        """A whole frame, null where the last one still holds, and the part that grows after it.

        Parameters
        ----------
        series
            Numbers of the tracks that are shown.
        """
        trace, shown = self._trace, tuple(series)
        grid = self._wanted(view, view.pixels if len(shown) <= FEW else view.pixels // 2)
        edge = self._settled(grid, shown)
        whole = None
        if shown != self._shown or not self._holds(grid, edge):
            end = max(grid.first, min(grid.end, edge))
            self._grid, self._shown = grid.from_bin(grid.first, end), shown
            self._going = trace.is_going
            self.sequence += 1
            whole = self._packed(self._grid)
        assert self._grid is not None  # it was made above, or holds
        return whole, self._packed(self._grid.from_bin(self._grid.end, grid.end))

    def _settled(self, grid: Grid, shown: Sequence[int]) -> int:
        """The first bin that may still change: values come late, each series at its own time."""
        trace = self._trace
        if not trace.is_going:
            return grid.end
        tracks = list(trace.tracks.values())
        lasts = [int(tracks[number].times[-1]) for number in shown if tracks[number].times.size]
        recent = [last for last in lasts if last > trace.edge_ns - LATE_NS]
        return grid.place(min(recent, default=trace.edge_ns))

    def forget(self) -> None:
        """Send all anew next time: values came for bins that were sent already."""
        self._grid = None

    def _wanted(self, view: View, most: int) -> Grid:
        """The bins of the window and its margins, as far as there is anything."""
        trace = self._trace
        first, edge, zero = trace.first_ns, trace.edge_ns, trace.zero_ns
        begin, end = view.window(first, edge, zero)
        grid = grid_of(zero, begin, end, most)
        margin = round((end - begin) * MARGIN)
        from_bin = max(grid.place(begin - margin), grid.place(first))
        to_bin = min(grid.place(end + margin), grid.place(edge)) + 1
        return grid.from_bin(from_bin, max(from_bin, to_bin))

    def _holds(self, wanted: Grid, edge: int) -> bool:
        """Whether the last whole frame has what is wanted, but for a short part at its end."""
        old = self._grid
        if old is None or (old.zero_ns, old.width_ns) != (wanted.zero_ns, wanted.width_ns):
            return False
        if self._going != self._trace.is_going:  # what came late, came
            return False
        margin = int(MARGIN * wanted.count / (1 + 2 * MARGIN))
        covered = old.first <= wanted.first + margin
        return covered and min(edge, wanted.end) <= old.end + MOST_TAIL * self._going

    def _packed(self, grid: Grid) -> bytes:
        tracks = list(self._trace.tracks.values())
        edge_s = (self._trace.edge_ns - grid.zero_ns) / 1e9
        bins = [binned(tracks[number], grid) for number in self._shown]
        return packed_samples(self.sequence, grid, edge_s, self._shown, bins)

    # -- stages --------------------------------------------------------------------------

    def work(self, view: View, rows: Sequence[tuple[str, int]]) -> bytes:
        """What the stages did: span by span where they are few, else as shares of bins.

        Parameters
        ----------
        rows
            Pipeline and code of the stage of each row.
        """
        grid = self._wanted(view, view.pixels)
        edges = grid.edges
        spans = self._spans(int(edges[0]), int(edges[-1]), rows)
        if spans is not None:
            return spans
        shares = np.zeros((len(rows), grid.count))
        for name, work in self._trace.work.items():
            mine = [(row, code) for row, (owner, code) in enumerate(rows) if owner == name]
            if mine:
                found = work.shares(grid)
                for row, code in mine:
                    shares[row] = found[code]
        return packed_shares(grid, shares)

    def _spans(self, begin_ns: int, end_ns: int, rows: Sequence[tuple[str, int]]) -> bytes | None:
        """The spans in a stretch; null where they are too many, or no longer held."""
        places = {pair: row for row, pair in enumerate(rows)}
        starts, ends, found, outcomes = [], [], [], []
        for name, work in self._trace.work.items():
            near = work.between(begin_ns, end_ns)
            if near is None or near.count > 4 * MOST_SPANS:
                return None
            row = np.array([places.get((name, int(code)), -1) for code in near.stage], np.int64)
            kept = row >= 0
            starts.append(near.start[kept])
            ends.append(near.end[kept])
            found.append(row[kept])
            outcomes.append(near.outcome[kept].astype(np.int64))
        if sum(map(len, starts)) > MOST_SPANS:
            return None
        zero = self._trace.zero_ns
        start = (np.concatenate([np.empty(0, np.int64), *starts]) - zero) / 1e9
        end = (np.concatenate([np.empty(0, np.int64), *ends]) - zero) / 1e9
        none = np.empty(0, np.int64)
        row, outcome = np.concatenate([none, *found]), np.concatenate([none, *outcomes])
        return packed_spans((begin_ns - zero) / 1e9, start, end - start, row, outcome)
