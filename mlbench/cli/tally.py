"""What a run has recorded so far, counted batch by batch: nothing is read twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlbench.records import COMPLETIONS, DISPATCH, Outcome, Phase, Table
from mlbench.store.columns import Batch
from mlbench.store.reader import Cursor, Reader

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["Histogram", "Tallies", "Tally"]

BINS_PER_OCTAVE = 8
ERRORS = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST)


class Histogram:
    """Times in bins that are 9 % wide: a quantile of any number of them in bounded memory."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(64 * BINS_PER_OCTAVE, dtype=np.int64)

    def add(self, values_ns: NDArray[np.int64]) -> None:
        """Count values; those below 1 ns are taken for 1 ns."""
        octaves = np.log2(np.maximum(values_ns, 1))
        bins = (octaves * BINS_PER_OCTAVE).astype(np.int64)
        self._counts += np.bincount(bins, minlength=self._counts.size)

    def quantile_ms(self, p: float) -> float | None:
        """The upper edge of the bin in which the quantile falls; null without values."""
        total = int(self._counts.sum())
        if not total:
            return None
        position = int(np.searchsorted(np.cumsum(self._counts), p * total))
        return float(2 ** ((position + 1) / BINS_PER_OCTAVE)) / 1e6


@dataclass
class Tally:
    """One pipeline: queries of its load that were sent, have ended, are done, or failed.

    As in a summary, what was cancelled has ended and has not failed.
    """

    sent: int = 0
    ended: int = 0
    done: int = 0
    failed: int = 0
    lateness: Histogram = field(default_factory=Histogram)

    @property
    def queries(self) -> int:
        """Queries that are known of: an open load's when sent, a closed load's when ended."""
        return max(self.sent, self.ended)

    def complete(self, batch: Batch) -> None:
        """Count a batch of completions, warm-up left out."""
        load = batch.numbers("phase") == Phase.LOAD
        counts = np.bincount(batch.numbers("outcome")[load], minlength=len(Outcome))
        self.ended += int(load.sum())
        self.done += int(counts[Outcome.DONE])
        self.failed += int(counts[list(ERRORS)].sum())
        self.lateness.add((batch.numbers("sent") - batch.numbers("due"))[load])


class Tallies:
    """The tallies of all pipelines of a run, brought up to date by `update`."""

    def __init__(self, run: Run) -> None:
        self._reader = Reader(run.path)
        self._cursor: Cursor = {}
        self.of: dict[str, Tally] = {}

    def update(self, manifest: Mapping[str, Any]) -> dict[str, Tally]:  # Any: JSON
        """Count what was written since the last time; returns all tallies."""
        names = list(manifest["pipelines"])
        for name in names:
            self.of.setdefault(name, Tally())
        for name, entry in manifest["pipelines"].items():
            for batch in self._new(COMPLETIONS, entry["folder"]):
                self.of[name].complete(batch)
        for batch in self._new(DISPATCH):
            counts = np.bincount(batch.numbers("pipeline"), minlength=len(names))
            for name, count in zip(names, counts, strict=False):
                self.of[name].sent += int(count)
        return self.of

    def _new(self, table: Table, folder: str | None = None) -> list[Batch]:
        batches, self._cursor = self._reader.tail_columns(table, self._cursor, folder)
        return batches
