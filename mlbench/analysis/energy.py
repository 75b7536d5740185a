"""Energy of devices over a period: by their counter, and by the integral of their power.

The two are kept side by side. A counter is the device's own account; an integral trusts the
sensor, which on some GPUs sees a quarter of the time (25 ms of every 100 on A100 and H100:
Yang, Adamek and Armour, "Part-time Power Measurements", arXiv 2312.02741). Where they
disagree, whoever reads the numbers has to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import Floats, Integers, column
from mlbench.analysis.periods import Period

__all__ = [
    "Energy",
    "Increases",
    "Levels",
    "counter_joules",
    "energies",
    "integral_joules",
    "loaded_period",
]

COVERED = 0.95
"""Share of a period that samples must cover, or there is no energy of it."""

LONGEST_GAP_NS = 1_000_000_000
GAP_READINGS = 5
"""Power is drawn across a gap of so many of the usual distances between two readings, or of
what need not be covered of the period, and never across one that is longer than this time."""

DISAGREEMENT = 0.05
"""Counter and integral that differ by more than this share are told."""

Manifest = Mapping[str, Any]
"""``run.json``, or a part of it; Any: JSON."""


@dataclass(frozen=True)
class Levels:
    """Readings of power: instants in ns, ascending, and values in W, both of shape (n,)."""

    at_ns: Integers
    watts: Floats


@dataclass(frozen=True)
class Increases:
    """Rows of an energy counter: begin and end in ns, and the increase in J, of shape (n,)."""

    start_ns: Integers
    end_ns: Integers
    joules: Floats


@dataclass(frozen=True)
class Energy:
    """The energy of one device over a period. What is null has its reason in ``reasons``.

    Parameters
    ----------
    device, source
        Its name, and where its numbers come from.
    seconds
        Length of the period.
    counter_joules
        Increase of its own counter.
    integral_joules
        Integral of the power that its sensor showed, by the trapezoidal rule.
    disagreement
        Integral over counter, less one.
    idle_watts, idle_joules
        What it drew before the load with all pipelines ready, and what that is over the
        period: energy that no pipeline is the cause of.
    reasons
        Why a value is null, by its name.
    """

    device: str
    source: str
    seconds: float
    counter_joules: float | None
    integral_joules: float | None
    disagreement: float | None
    idle_watts: float | None
    idle_joules: float | None
    reasons: Mapping[str, str]

    @property
    def note(self) -> str | None:
        """What to be careful about; null where there is nothing."""
        if self.disagreement is None or abs(self.disagreement) <= DISAGREEMENT:
            return None
        return (
            f"{self.device}: the integral of power is {self.disagreement:+.1%} off the energy "
            "counter: its sensor does not see all of the time, or is read too seldom"
        )


def counter_joules(rows: Increases, period: Period) -> float | None:
    """What a counter increased by in a period; null where its rows do not cover it.

    A row that only partly lies in the period counts in proportion.

    Examples
    --------
    >>> at = np.arange(4, dtype=np.int64) * 1_000_000_000
    >>> rows = Increases(at[:-1], at[1:], np.array([10.0, 20.0, 30.0]))
    >>> counter_joules(rows, Period(500_000_000, 2_000_000_000))
    25.0
    """
    lengths = rows.end_ns - rows.start_ns
    begins = np.maximum(rows.start_ns, period.begin_ns)
    inside = np.clip(np.minimum(rows.end_ns, period.end_ns) - begins, 0, None)
    if inside.sum() < COVERED * (period.end_ns - period.begin_ns):
        return None
    shares = inside / np.maximum(lengths, 1)
    return float((rows.joules * shares).sum())


def integral_joules(power: Levels, period: Period) -> float | None:
    """The integral of power over a period, by the trapezoidal rule.

    Before its first and after its last reading the power is taken as it was there. Null
    where the readings do not cover the period, or have a long gap in it.

    Examples
    --------
    >>> at = np.arange(3, dtype=np.int64) * 500_000_000
    >>> integral_joules(Levels(at, np.array([100.0, 100.0, 200.0])), Period(0, 1_000_000_000))
    125.0
    """
    here = (power.at_ns >= period.begin_ns) & (power.at_ns <= period.end_ns)
    if here.sum() < 2:
        return None
    around = power.at_ns[_with_neighbours(here)]
    gaps = np.diff(np.clip(around, period.begin_ns, period.end_ns))
    edges = (int(around[0]) - period.begin_ns, period.end_ns - int(around[-1]))
    longest = max(int(gaps.max()), *edges)
    spared = (1 - COVERED) * (period.end_ns - period.begin_ns)
    if longest > min(LONGEST_GAP_NS, max(spared, GAP_READINGS * float(np.median(gaps)))):
        return None
    ends = np.array([period.begin_ns, period.end_ns])
    inner = power.at_ns[here]
    at_ns = np.concatenate([ends[:1], inner, ends[1:]])
    watts = np.interp(at_ns, power.at_ns, power.watts)
    return float((np.diff(at_ns) / 1e9 * (watts[1:] + watts[:-1]) / 2).sum())


def _with_neighbours(here: np.ndarray[Any, np.dtype[np.bool_]]) -> slice:
    """The rows of a mask without holes, and one more on each side."""
    rows = np.flatnonzero(here)
    return slice(max(0, int(rows[0]) - 1), int(rows[-1]) + 2)


def loaded_period(manifest: Manifest, latest_ns: int) -> Period | None:
    """The part of a run whose energy is asked for; null before it begins.

    The window where the run has one, else from the barrier until the last load has ended.

    Parameters
    ----------
    latest_ns
        The present, for a run that goes on.
    """
    if window := manifest.get("window"):
        return Period(window["begin_ns"], window["end_ns"])
    begin_ns = manifest.get("barrier_ns")
    if begin_ns is None:
        return None
    loads = [entry["load"]["end_ns"] for entry in (manifest.get("pipelines") or {}).values()]
    phases = [phase["end_ns"] for phase in manifest["phases"] if phase["name"] == "load"]
    ends = loads or phases
    end_ns = max((latest_ns if end is None else int(end) for end in ends), default=latest_ns)
    return Period(begin_ns, end_ns) if end_ns > begin_ns else None


def energies(manifest: Manifest, samples: pa.Table, period: Period) -> list[Energy]:
    """The energy of every device that has power or a counter, in the order of the devices.

    Parameters
    ----------
    manifest
        Of the run: what the codes mean, and when the machine was idle.
    samples
        `SAMPLES`, with codes.
    period
        Over which.
    """
    metrics: Sequence[Manifest] = manifest.get("metrics") or ()
    idle = (manifest.get("telemetry") or {}).get("idle")
    quiet = None if idle is None else Period(idle["begin_ns"], idle["end_ns"])
    found = []
    for code, device in enumerate(manifest.get("devices") or ()):
        rows = samples.filter(pa.array(column(samples, "device") == code))
        increases, levels = _increases(metrics, rows), _levels(metrics, rows)
        if increases is not None or levels is not None:
            found.append(_energy(device, increases, levels, period, quiet))
    return found


def _energy(
    device: Manifest,
    increases: Increases | None,
    levels: Levels | None,
    period: Period,
    idle: Period | None,
) -> Energy:
    counter = None if increases is None else counter_joules(increases, period)
    integral = None if levels is None else integral_joules(levels, period)
    idle_watts = None if idle is None else _mean_watts(increases, levels, idle)
    differs = None if not counter or integral is None else integral / counter - 1
    return Energy(
        device=str(device["name"]),
        source=str(device["source"]),
        seconds=period.seconds,
        counter_joules=counter,
        integral_joules=integral,
        disagreement=differs,
        idle_watts=idle_watts,
        idle_joules=None if idle_watts is None else idle_watts * period.seconds,
        reasons=dict(_reasons(increases, levels, counter, integral, idle, idle_watts)),
    )


def _mean_watts(increases: Increases | None, levels: Levels | None, period: Period) -> float | None:
    """The mean power of a period, by the counter where there is one."""
    joules = None if increases is None else counter_joules(increases, period)
    if joules is None and levels is not None:
        joules = integral_joules(levels, period)
    return None if joules is None else joules / period.seconds


def _reasons(
    increases: Increases | None,
    levels: Levels | None,
    counter: float | None,
    integral: float | None,
    idle: Period | None,
    idle_watts: float | None,
) -> Iterator[tuple[str, str]]:
    if counter is None:
        lacks = "it has no energy counter" if increases is None else "its rows do not cover it"
        yield "counter_joules", lacks
    if integral is None:
        lacks = "it shows no power" if levels is None else "readings are missing in the period"
        yield "integral_joules", lacks
    if counter is None or integral is None:
        yield "disagreement", "needs both"
    elif counter == 0:
        yield "disagreement", "the counter did not move"
    if idle_watts is None:
        lacks = "nobody looked at it idle" if idle is None else "readings are missing in that time"
        yield "idle_watts", lacks
        yield "idle_joules", lacks


def _increases(metrics: Sequence[Manifest], rows: pa.Table) -> Increases | None:
    """The rows of the device's counter, if it has one."""
    codes = [n for n, metric in enumerate(metrics) if _is(metric, "J", "increase")]
    found = _first(codes, rows)
    if found is None:
        return None
    return Increases(column(found, "start"), column(found, "end"), found["value"].to_numpy())


def _levels(metrics: Sequence[Manifest], rows: pa.Table) -> Levels | None:
    """The readings of the device's power, by the first of its metrics that has any."""
    codes = [n for n, metric in enumerate(metrics) if _is(metric, "W", "level")]
    found = _first(codes, rows)
    return None if found is None else Levels(column(found, "end"), found["value"].to_numpy())


def _is(metric: Manifest, unit: str, kind: str) -> bool:
    return bool(metric["unit"] == unit and metric["kind"] == kind)


def _first(codes: Sequence[int], rows: pa.Table) -> pa.Table | None:
    """The rows of the first of some metrics that has any, in order of time."""
    metric = column(rows, "metric")
    for code in codes:
        if (metric == code).any():
            return rows.filter(pa.array(metric == code)).sort_by("end")
    return None
