"""Trace: the samples and spans of a run, read as they are written: each row once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import column
from mlbench.analysis.record import ENDED
from mlbench.records import SAMPLES, SPANS, Table
from mlbench.run import Run
from mlbench.store.layout import MANIFEST, PIPELINES
from mlbench.store.stream import read_batches
from mlbench.widgets.timeline.track import Track
from mlbench.widgets.timeline.work import Work

__all__ = ["Key", "Trace"]

Key = tuple[int, int, int]
"""Codes of metric, device and pipeline; -1 where there is none."""

ALIVE_EVERY = 10
"""Of a manifest that stays as it is, every so many looks: whether its engine lives."""

ROWS_AT_ONCE = 1 << 20
"""Rows that one look takes; what is left comes with the next."""


class Trace:
    """What has been read of a run so far.

    Parameters
    ----------
    run
        It may be going.

    Attributes
    ----------
    tracks
        By `Key`, in the order in which they appeared; of a counter its increase per second.
    work
        By pipeline.
    manifest
        As it last was; ``status`` is ``aborted`` where the engine is gone.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.tracks: dict[Key, Track] = {}
        self.work: dict[str, Work] = {}
        self.manifest: Mapping[str, Any] = run.manifest  # Any: JSON
        self._offsets: dict[Path, int] = {}
        self._stamp: tuple[int, int] | None = None
        self._looks = 0
        self.begin_ns: int | None = None
        self.end_ns: int | None = None

    @property
    def status(self) -> str:
        """As `Run.status`, when it was last looked at."""
        return str(self.manifest["status"])

    @property
    def is_going(self) -> bool:
        """Whether more may come."""
        return self.status not in ENDED

    def look(self) -> tuple[bool, bool]:
        """Read what is new: whether the manifest changed, and whether rows came.

        The manifest is read first, so that the last look has all rows of a run that ended.
        """
        told = self._read_manifest()
        came = self._read(self.run.path / f"{SAMPLES.name}.arrow", SAMPLES, self._add_samples)
        for name, entry in self.manifest["pipelines"].items():
            folder = self.run.path / PIPELINES / str(entry["folder"])
            if folder.is_symlink() or folder.parent.is_symlink():
                continue
            if name not in self.work:
                self.work[name] = Work(len(entry["stages"]), self._origin_ns())
            add = self.work[name].add
            came |= self._read(folder / f"{SPANS.name}.arrow", SPANS, add)
        return told, came

    def _origin_ns(self) -> int:
        """Before anything that is recorded."""
        phases = self.manifest.get("phases") or [{"start_ns": 0}]
        return int(phases[0]["start_ns"])

    def _read_manifest(self) -> bool:
        self._looks += 1
        stamp = _stamp(self.run.path / MANIFEST)
        if stamp == self._stamp and self._looks % ALIVE_EVERY:
            return False
        self._stamp = stamp
        before = self.manifest
        self.manifest = {**self.run.manifest, "status": self.run.status}
        return self.manifest != before

    def _read(self, path: Path, table: Table, add: Any) -> bool:  # Any: takes a batch
        before, rows = self._offsets.get(path, 0), 0
        for batch, offset in read_batches(path, table, before):
            self._offsets[path] = offset
            if batch.num_rows:
                add(batch)
            rows += batch.num_rows
            if rows > ROWS_AT_ONCE:
                break
        return rows > 0

    # -- samples -------------------------------------------------------------------------

    def _add_samples(self, batch: pa.RecordBatch) -> None:
        table = pa.Table.from_batches([batch])
        start, end = column(table, "start"), column(table, "end")
        values = table["value"].to_numpy()
        self._widen(int(end.min()), int(end.max()))
        metrics = self.manifest.get("metrics") or []
        codes = np.stack([column(table, name) for name in ("metric", "device", "pipeline")])
        for key, rows in _groups(codes):
            counter = key[0] < len(metrics) and metrics[key[0]]["kind"] == "increase"
            times, found = (start[rows] + end[rows]) // 2, values[rows]
            if counter:
                long = end[rows] > start[rows]
                times, length = times[long], (end[rows] - start[rows])[long]
                found = found[long] / (length / 1e9)
            if times.size:
                self.tracks.setdefault(key, Track()).add(times, found)

    def _widen(self, begin_ns: int, end_ns: int) -> None:
        self.begin_ns = begin_ns if self.begin_ns is None else min(self.begin_ns, begin_ns)
        self.end_ns = end_ns if self.end_ns is None else max(self.end_ns, end_ns)

    @property
    def edge_ns(self) -> int:
        """The last instant that anything is known of."""
        ends = [work.end_ns for work in self.work.values()]
        ends += [] if self.end_ns is None else [self.end_ns]
        phases = self.manifest.get("phases") or ()
        ends += [int(each["end_ns"] or each["start_ns"]) for each in phases]
        return max(ends, default=self.zero_ns)

    @property
    def zero_ns(self) -> int:
        """Where seconds count from: the barrier; before it, and without one, the first phase."""
        barrier = self.manifest.get("barrier_ns")
        return int(barrier) if barrier is not None else self.first_ns

    @property
    def first_ns(self) -> int:
        """The first instant of the run."""
        phases = self.manifest.get("phases")
        return int(phases[0]["start_ns"]) if phases else self.begin_ns or 0


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes whenever the file is written anew; null where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _groups(codes: Any) -> Iterator[tuple[Key, Any]]:  # Any: integers of shape (3, rows)
    """The rows of each key, in their order."""
    order = np.lexsort(codes[::-1])
    ordered = codes[:, order]
    changes = np.flatnonzero((ordered[:, 1:] != ordered[:, :-1]).any(axis=0)) + 1
    for rows in np.split(order, changes):
        metric, device, pipeline = (int(code) for code in codes[:, rows[0]])
        yield (metric, device, pipeline), rows
