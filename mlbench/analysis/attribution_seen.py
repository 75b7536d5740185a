"""A run as attribution sees it: its tables with its samples, over one period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import column
from mlbench.analysis.attribution_usage import Rows
from mlbench.analysis.energy import loaded_period
from mlbench.analysis.periods import Period
from mlbench.analysis.record import Record
from mlbench.records import Outcome

__all__ = ["Seen", "why_null"]

UNCOVERED = "its samples do not cover the period"


@dataclass(frozen=True)
class Seen:
    """A run with its samples, and the period that is asked for.

    Parameters
    ----------
    record
        Its tables.
    samples
        `SAMPLES`, with codes.
    """

    record: Record
    samples: pa.Table

    @property
    def manifest(self) -> Mapping[str, Any]:  # Any: JSON
        """What the engine wrote."""
        return self.record.manifest

    @property
    def period(self) -> Period | None:
        """The window where the run has one, else its load."""
        ends = column(self.samples, "end")
        return loaded_period(self.manifest, int(ends.max()) if ends.size else 0)

    def rows(self, metric: str, device: str | None = None) -> Rows:
        """The samples of a metric."""
        return Rows.of(self.manifest, self.samples, metric, device)

    def done(self, name: str, period: Period) -> int:
        """How many queries of a pipeline were done in a period."""
        found = self.record.completed(name)
        outcome, done = column(found, "outcome"), column(found, "done")
        inside = (done > period.begin_ns) & (done <= period.end_ns)
        measured = column(found, "query") >= 0
        return int(np.count_nonzero(inside & measured & (outcome == Outcome.DONE)))

    def devices(self, kind: str, of: str | None = None) -> Iterator[Mapping[str, Any]]:  # Any: JSON
        """The devices of a kind: whole ones, or the parts of one."""
        for device in self.manifest.get("devices") or ():
            if device["kind"] == kind and device.get("parent") == of:
                yield device


def why_null(manifest: Mapping[str, Any], metric: str) -> str:  # Any: JSON
    """Why there is nothing of a metric."""
    for each in manifest.get("metrics") or ():
        if each["name"] == metric:
            return str(each["null_reasons"].get("") or UNCOVERED)
    return "nothing was sampled: telemetry was off, or its probe did not open"
