"""What a power sensor cannot tell: of stages that are too short for it, or in step with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mlbench.analysis.arrays import Integers, column, selected
from mlbench.analysis.periods import load_period
from mlbench.analysis.record import Record

__all__ = ["COLUMNS", "Limits", "beat_seconds", "limits_of_run", "power_limits"]

COLUMNS = ("pipeline", "stage", "device", "sensor_ms", "measurable", "reason", "warning")
"""Of a row of `limits_of_run`."""

PERIODS = 5
"""A stage shorter than this many periods of the sensor is not measurable by power."""

STEPS = 3
"""A stage whose period is in step with so many of the sensor's shows it only as many of its
parts; with four, a sensor that sees a quarter of the time has seen all of it."""

BEATS = 5
"""Over fewer beats than this the parts that are seen do not average out."""

REGULAR = 0.1
"""A stage repeats itself where the quartiles of its period lie closer together than this."""

LEAST_SPANS = 8


@dataclass(frozen=True)
class Limits:
    """What power says of one stage.

    Parameters
    ----------
    stage
        Its name.
    measurable
        Whether its spans are long enough for the sensor.
    reason
        Why they are not; null where they are.
    warning
        That it is in step with the sensor; null where it is not.
    """

    stage: str
    measurable: bool
    reason: str | None = None
    warning: str | None = None


def beat_seconds(period_s: float, sensor_s: float) -> float | None:
    """How long the sensor takes to see all parts of something that repeats itself.

    A sensor that publishes every T sees the part of a period p at which it happens to look.
    Where m/p is near n/T for a small m, the phase moves slowly: it comes round after
    1/|m/p - n/T|.

    Parameters
    ----------
    period_s
        p, in seconds.
    sensor_s
        T, in seconds.

    Returns
    -------
    float or None
        Seconds; infinite where both are exactly in step; null where p is so long that every
        one is seen several times.

    Examples
    --------
    >>> round(beat_seconds(0.101, 0.1), 1), beat_seconds(0.1, 0.1), beat_seconds(0.45, 0.1)
    (10.1, inf, None)
    """
    if period_s > STEPS * sensor_s * (1 + REGULAR):
        return None
    slowest = 0.0
    for steps in range(1, STEPS + 1):
        turns = round(steps * sensor_s / period_s)
        if turns < 1:
            continue
        drift = abs(steps / period_s - turns / sensor_s)
        slowest = max(slowest, 1 / drift if drift > 0 else float("inf"))
    return slowest or None


def limits_of_run(record: Record) -> list[tuple[object, ...]]:
    """A row of `COLUMNS` for each stage of each pipeline that runs on a GPU with a sensor."""
    devices = {device["name"]: device for device in record.manifest.get("devices") or ()}
    rows: list[tuple[object, ...]] = []
    for name in record.names:
        place = str((record.pipeline(name).get("placement") or {}).get("device", "cpu"))
        device = f"gpu{place.partition(':')[2] or 0}"
        told_of = devices.get(device) or {}
        sensor_ms = told_of.get("power_period_ms")
        if not place.startswith("cuda") or sensor_ms is None:
            continue
        for each in power_limits(record, name, sensor_ms, told_of.get("power_window_ms")):
            told = (each.measurable, each.reason, each.warning)
            rows.append((name, each.stage, device, sensor_ms, *told))
    return rows


def power_limits(
    record: Record, name: str, sensor_ms: float, window_ms: float | None = None
) -> list[Limits]:
    """What a sensor that publishes so often says of the stages of a pipeline.

    Parameters
    ----------
    sensor_ms
        The period of the sensor of the device that the pipeline runs on.
    window_ms
        Over how much of that each value is the mean; null where nobody has measured it.
    """
    spans, load = record.spanned(name), load_period(record, name)
    codes, start = column(spans, "stage"), column(spans, "start")
    inside = np.ones(len(codes), dtype=np.bool_)
    if load is not None:
        inside = (start >= load.begin_ns) & (start < load.end_ns)
    found = []
    for code, stage in enumerate(record.pipeline(name).get("stages") or ()):
        rows = selected(spans, (codes == code) & inside)
        if len(rows):
            seconds = load.seconds if load is not None else 0.0
            found.append(_limits(stage, rows, sensor_ms, window_ms, seconds))
    return found


def _limits(
    stage: str, spans: pa.Table, sensor_ms: float, window_ms: float | None, seconds: float
) -> Limits:
    start, end = column(spans, "start"), column(spans, "end")
    median_ms = float(np.median(end - start)) / 1e6
    measurable = median_ms >= PERIODS * sensor_ms
    reason = (
        f"its median of {median_ms:.3g} ms is shorter than {PERIODS} periods of the power "
        f"sensor, {sensor_ms:.3g} ms each"
    )
    warning = _in_step(np.sort(start), sensor_ms, seconds)
    if warning is not None and window_ms is not None and window_ms < sensor_ms:
        warning += f"; of each {sensor_ms:.4g} ms the sensor sees {window_ms:.4g}"
    return Limits(stage, measurable, None if measurable else reason, warning)


def _in_step(starts: Integers, sensor_ms: float, seconds: float) -> str | None:
    """The warning that a stage repeats itself in step with the sensor."""
    if len(starts) < LEAST_SPANS:
        return None
    low, median, high = np.quantile(np.diff(starts), (0.25, 0.5, 0.75)) / 1e6
    if median <= 0 or high - low > REGULAR * median:
        return None
    beat_s = beat_seconds(median / 1e3, sensor_ms / 1e3)
    if beat_s is None or seconds >= BEATS * beat_s:
        return None
    told = "never" if beat_s == float("inf") else f"every {beat_s:.3g} s"
    return (
        f"it repeats every {median:.4g} ms beside a power sensor of {sensor_ms:.4g} ms, which "
        f"comes round to the same part of it {told}: its power may be that of one part"
    )
