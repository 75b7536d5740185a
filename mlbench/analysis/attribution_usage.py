"""Who used what over a period, from the samples: processor time, SM time, memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import Floats, Integers, column
from mlbench.analysis.periods import Period

__all__ = ["OTHERS", "Rows", "Usage", "covered", "held", "used"]

OTHERS = -1
"""The party of what belongs to no pipeline; each pipeline is its code in the manifest."""

Usage = Mapping[int, float]
"""What each party used: pipelines by code, and `OTHERS`."""

COVERED = 0.95
"""Share of a period that samples must cover, as for energy."""


@dataclass(frozen=True)
class Rows:
    """The samples of one metric, arrays of shape (n,), in order of their end.

    Parameters
    ----------
    start_ns, end_ns
        The interval of each.
    party
        The code of its pipeline, or `OTHERS`.
    pid
        Its process, where the metric is of one.
    value
        In the metric's unit.
    """

    start_ns: Integers
    end_ns: Integers
    party: Integers
    pid: Integers
    value: Floats

    @classmethod
    def of(
        cls,
        manifest: Mapping[str, Any],  # Any: JSON
        samples: pa.Table,
        metric: str,
        device: str | None = None,
    ) -> Rows:
        """Those of one metric, of one device if it is named; of an unknown metric none."""
        metrics = [str(each["name"]) for each in manifest.get("metrics") or ()]
        devices = [str(each["name"]) for each in manifest.get("devices") or ()]
        code = metrics.index(metric) if metric in metrics else -2
        here = column(samples, "metric") == code
        if device is not None:
            place = devices.index(device) if device in devices else -2
            here &= column(samples, "device") == place
        found = samples.filter(pa.array(here)).sort_by("end")
        start, end, party, pid = (column(found, n) for n in ("start", "end", "pipeline", "pid"))
        return cls(start, end, party, pid, found["value"].to_numpy())

    def __len__(self) -> int:
        return int(self.value.size)

    def where(self, here: np.ndarray[Any, np.dtype[np.bool_]]) -> Rows:
        """Those that a mask has."""
        start, end, party, pid = self.start_ns, self.end_ns, self.party, self.pid
        return Rows(start[here], end[here], party[here], pid[here], self.value[here])

    def of_party(self, party: int) -> Rows:
        """Those of one pipeline, or of `OTHERS`."""
        return self.where(self.party == party)

    def seconds_in(self, period: Period) -> Floats:
        """How much of each row's interval lies in a period."""
        begin = np.maximum(self.start_ns, period.begin_ns)
        end = np.minimum(self.end_ns, period.end_ns)
        inside: Floats = np.clip(end - begin, 0, None) / 1e9
        return inside

    def increases_in(self, period: Period) -> Floats:
        """What each row of a counter increased by in a period, in proportion to its time there."""
        lengths = (self.end_ns - self.start_ns) / 1e9
        shares = self.seconds_in(period) / np.where(lengths > 0, lengths, 1)
        increases: Floats = self.value * shares
        return increases


def covered(rows: Rows, period: Period) -> bool:
    """Whether the rows' intervals, which do not overlap, cover a period well enough."""
    return bool(rows.seconds_in(period).sum() >= COVERED * period.seconds)


def used(rows: Rows, period: Period) -> dict[int, float]:
    """Seconds that each party used, of rows that say a share in percent over their interval.

    Examples
    --------
    >>> at = np.array([0, 1_000_000_000])
    >>> rows = Rows(at, at + 1_000_000_000, np.array([0, -1]), at, np.array([50.0, 10.0]))
    >>> used(rows, Period(0, 2_000_000_000))
    {-1: 0.1, 0: 0.5}
    """
    seconds = rows.value / 100 * rows.seconds_in(period)
    return {int(p): float(seconds[rows.party == p].sum()) for p in np.unique(rows.party)}


def held(rows: Rows, period: Period) -> dict[int, float]:
    """Level times seconds of each party; a level holds until the next reading of its process.

    The last reading of a process holds as long as readings usually are apart.
    """
    total: dict[int, float] = {}
    for party, pid in sorted(set(zip(rows.party.tolist(), rows.pid.tolist(), strict=True))):
        mine = rows.where((rows.party == party) & (rows.pid == pid))
        gaps = np.diff(mine.end_ns)
        last_ns = int(np.median(gaps)) if gaps.size else 0
        until_ns = np.append(mine.end_ns[1:], mine.end_ns[-1:] + last_ns)
        standing = Rows(mine.end_ns, until_ns, mine.party, mine.pid, mine.value)
        amount = float((mine.value * standing.seconds_in(period)).sum())
        total[party] = total.get(party, 0.0) + amount
    return total
