"""Which part of a run counts: the load phase of a pipeline, or the window of a study."""

from __future__ import annotations

from dataclasses import dataclass

from mlbench.analysis.arrays import column
from mlbench.analysis.record import ENDED, Record

__all__ = ["Period", "load_period", "measured_period", "shared_period"]


@dataclass(frozen=True)
class Period:
    """A part of a run, from its first instant to the one after its last."""

    begin_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end_ns - self.begin_ns) / 1e9


def load_period(record: Record, name: str) -> Period | None:
    """The load phase of a pipeline, so far as it has come; null before it begins.

    Of a load whose queries are all due at once it lasts until the last of them is done.
    """
    load = record.pipeline(name).get("load") or {}
    begin, end = load.get("begin_ns"), load.get("end_ns")
    if begin is None:
        return None
    if load.get("until_last_completion"):
        end = max(column(record.completed(name), "done"), default=end)
    return _not_empty(begin, record.latest_ns if end is None else end)


def measured_period(record: Record, name: str) -> Period | None:
    """Where rates are counted: the window where the run has one, else the load phase.

    Of a window that is still open, the part that is past; null where there is none.
    """
    window = record.manifest.get("window")
    if window is None:
        return load_period(record, name)
    going = record.status not in ENDED
    end = min(window["end_ns"], record.latest_ns) if going else window["end_ns"]
    return _not_empty(window["begin_ns"], end)


def shared_period(record: Record) -> Period | None:
    """The part of the run in which all pipelines were under load; null without any."""
    found = [load_period(record, name) for name in record.names]
    periods = [period for period in found if period is not None]
    if not periods or len(periods) < len(found):
        return None
    return _not_empty(max(p.begin_ns for p in periods), min(p.end_ns for p in periods))


def _not_empty(begin_ns: int, end_ns: int) -> Period | None:
    return Period(begin_ns, end_ns) if end_ns > begin_ns else None
