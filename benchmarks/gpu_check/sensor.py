"""How often a power sensor publishes, and over how much of that time: by a load of known shape.

The method of Yang, Adamek and Armour, "Part-time Power Measurements" (arXiv 2312.02741): the
sensor is read as fast as it goes; the time between two changes is its period T. Beside it
runs a load that is on or off, whose edges are known. A sensor that shows the mean over the
last W ms of each period then shows what the mean of the known wave over W ms is, stretched;
the W that fits best is its window. The times on and off are drawn at random here, so that no
part of the sensor's period is in step with them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu_check.part import Site
from benchmarks.gpu_check.wave import waving
from mlbench.probes.nvml_calls import FieldCall
from mlbench.probes.nvml_fields import number_of
from mlbench.probes.sensor_cache import Sensor, keep_sensor

__all__ = ["Fit", "Reading", "fitted", "power_sensor", "read_power"]

SECONDS = 12.0
POWER = 186
STEPS = 40
"""Windows that are tried, as parts of the period; and as many delays."""

Floats = NDArray[np.float64]
Reading = tuple[float, float]
"""Second and watts."""


@dataclass(frozen=True)
class Fit:
    """A sensor by what it showed.

    Parameters
    ----------
    period_ms, window_ms, delay_ms
        It publishes every period the mean over the window that ended the delay before.
    explained
        Part of the variance of its values that this explains; below about 0.9 do not
        believe the window.
    """

    period_ms: float
    window_ms: float
    delay_ms: float
    explained: float


def power_sensor(site: Site) -> dict[str, Any]:
    """The sensor's period and window, which are kept for runs to come."""
    with waving(SECONDS) as wave:
        readings = read_power(site, SECONDS)
    fit = fitted(readings, wave.edges())
    sensor = Sensor(fit.period_ms, fit.window_ms if fit.explained > 0.9 else None)
    where = keep_sensor(site.uuid, site.driver, sensor)
    return {**asdict(fit), "readings": len(readings), "kept_in": where.name}


def read_power(
    site: Site, seconds: float, clock: Callable[[], float] = time.monotonic
) -> list[Reading]:
    """What the sensor shows, read again and again."""
    call = FieldCall(site.nvml, site.handle, [POWER])
    found: list[Reading] = []
    end_s = clock() + seconds
    while clock() < end_s:
        ((kind, code, bits),) = call()
        if code:
            raise site.nvml.NVMLError(code)
        found.append((clock(), number_of(kind, bits) / 1000))
        time.sleep(0.001)
    return found


def fitted(readings: Sequence[Reading], edges: Sequence[float]) -> Fit:
    """The period, window and delay that explain best what a sensor showed.

    Parameters
    ----------
    readings
        Far more than one a period.
    edges
        Seconds at which the load went on, off, on, ...

    Raises
    ------
    ValueError
        If the sensor changed too seldom for a fit.
    """
    changes = [(at, watts) for (_, before), (at, watts) in pairwise(readings) if watts != before]
    inside = [(at, watts) for at, watts in changes if edges[0] + 1 < at < edges[-1]]
    if len(inside) < 20:
        raise ValueError(f"the sensor showed {len(inside)} new values beside the load")
    period_s = median(later - sooner for (sooner, _), (later, _) in pairwise(changes))
    at, watts = (np.array(column) for column in zip(*inside, strict=True))
    fits = [
        (_explained(_means(edges, at - delay, window), watts), window, delay)
        for window in period_s * np.arange(1, 2 * STEPS + 1) / STEPS
        for delay in period_s * np.arange(STEPS) / STEPS
    ]
    explained, window, delay = max(fits)
    return Fit(period_s * 1e3, float(window) * 1e3, float(delay) * 1e3, explained)


def _means(edges: Sequence[float], until: Floats, window_s: float) -> Floats:
    """The mean of the wave, 1 where it is on, over the window before each instant."""
    times = np.asarray(edges)
    on = np.arange(len(edges) - 1) % 2 == 0
    sums = np.concatenate([[0.0], np.cumsum(np.diff(times) * on)])
    before: Floats = np.interp(until - window_s, times, sums)
    means: Floats = (np.interp(until, times, sums) - before) / window_s
    return means


def _explained(wave: Floats, watts: Floats) -> float:
    """The square of the correlation."""
    if np.ptp(wave) == 0 or np.ptp(watts) == 0:
        return 0.0
    return float(np.corrcoef(wave, watts)[0, 1] ** 2)
