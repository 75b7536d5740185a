"""How much of what a pipeline used each of its stages may have used, by where its time went.

Two models say so of processor time. By *service time*, a stage's part of what the pipeline
used is its part of all time inside of stages. By *overlap*, what was used between two
samples is divided among the stages that ran between these two, so that a stage that waits
gets little where it runs alone. Both take stages that run at once as using alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlbench.analysis.arrays import Floats, Integers, Mask, column
from mlbench.analysis.attribution_usage import Rows
from mlbench.analysis.periods import Period
from mlbench.analysis.record import Record

__all__ = ["StageTime", "by_overlap", "by_service", "stage_times_of"]


NOISE_S = 1e-6
"""What differences of long sums of seconds may be off; less than this inside is none."""


@dataclass(frozen=True)
class StageTime:
    """The time that a pipeline spent inside of one stage.

    Parameters
    ----------
    median_ms
        Of its spans.
    start_ns, end_ns
        Of each span, ascending each for itself, shape (n,).
    start_part, end_part
        What part of the call each is: one, or less for a batch of several queries.
    device_s
        Seconds between its stream events, in the period; null where it has none.
    """

    stage: str
    median_ms: float
    start_ns: Integers
    end_ns: Integers
    start_part: Floats
    end_part: Floats
    device_s: float | None

    def until(self, instants_ns: Integers) -> Floats:
        """Seconds inside of the stage before each instant; calls at once count each."""
        begun = _elapsed(self.start_ns, self.start_part, instants_ns)
        ended = _elapsed(self.end_ns, self.end_part, instants_ns)
        return begun - ended

    def within(self, begin_ns: Integers, end_ns: Integers) -> Floats:
        """Seconds inside of the stage in each interval."""
        seconds = self.until(end_ns) - self.until(begin_ns)
        found: Floats = np.where(seconds > NOISE_S, seconds, 0.0)
        return found


def _elapsed(instants: Integers, parts: Floats, now_ns: Integers) -> Floats:
    """The sum over all instants before now of the seconds since then."""
    if not instants.size:
        return np.zeros(now_ns.size)
    origin = int(instants[0])
    seconds = (instants - origin) / 1e9
    count = np.concatenate([[0.0], np.cumsum(parts)])
    moment = np.concatenate([[0.0], np.cumsum(parts * seconds)])
    before = np.searchsorted(instants, now_ns, "right")
    elapsed: Floats = count[before] * ((now_ns - origin) / 1e9) - moment[before]
    return elapsed


def stage_times_of(record: Record, name: str, period: Period) -> list[StageTime]:
    """The stages of a pipeline that have a span in a period, in the order of the manifest."""
    spans = record.spanned(name)
    codes, start, end = (column(spans, each) for each in ("stage", "start", "end"))
    device, size = column(spans, "device_ns"), column(spans, "batch_size")
    parts = 1 / np.maximum(size, 1)
    inside = (end > period.begin_ns) & (start < period.end_ns)
    found = []
    for code, stage in enumerate(record.pipeline(name).get("stages") or ()):
        here: Mask = (codes == code) & inside
        if not here.any():
            continue
        timed = here & (device >= 0)
        found.append(
            StageTime(
                stage,
                float(np.median(end[here] - start[here])) / 1e6,
                *_sorted(start[here], end[here], parts[here]),
                device_s=float((device[timed] * parts[timed]).sum()) / 1e9 if timed.any() else None,
            )
        )
    return found


def _sorted(
    start: Integers, end: Integers, parts: Floats
) -> tuple[Integers, Integers, Floats, Floats]:
    by_start, by_end = np.argsort(start, kind="stable"), np.argsort(end, kind="stable")
    return start[by_start], end[by_end], parts[by_start], parts[by_end]


def by_service(times: list[StageTime], period: Period, device: bool = False) -> Mapping[str, float]:
    """The part of each stage in all time inside of stages; empty where there is none.

    Parameters
    ----------
    device
        Whether to go by the time on the device, where any stage of the pipeline was timed
        there: a stage that never was there then has no part.
    """
    if device and any(each.device_s is not None for each in times):
        seconds = {each.stage: each.device_s or 0.0 for each in times}
    else:
        begin, end = np.array([period.begin_ns]), np.array([period.end_ns])
        seconds = {each.stage: float(each.within(begin, end)[0]) for each in times}
    total = sum(seconds.values())
    return {stage: each / total for stage, each in seconds.items()} if total > 0 else {}


def by_overlap(times: list[StageTime], rows: Rows, period: Period) -> Mapping[str, float]:
    """The part of each stage in what a counter's rows increased by, each row for itself.

    What increased while no stage ran is no stage's.
    """
    increases = rows.increases_in(period)
    total = float(increases.sum())
    if not total > 0 or not times:
        return {}
    begin = np.maximum(rows.start_ns, period.begin_ns)
    end = np.maximum(begin, np.minimum(rows.end_ns, period.end_ns))
    inside = np.stack([each.within(begin, end) for each in times])
    together = inside.sum(axis=0)
    parts = inside / np.where(together > 0, together, 1)
    return {each.stage: float(parts[n] @ increases) / total for n, each in enumerate(times)}
