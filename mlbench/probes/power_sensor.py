"""How often a power sensor publishes a value: looked at before anything is measured.

A sensor that is read more often than it publishes repeats itself, and one that shows only
the last part of each period misses the rest (on A100 and H100 25 ms of every 100: Yang,
Adamek and Armour, arXiv 2312.02741). So whoever integrates its power needs the period.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median

__all__ = ["ASSUMED_PERIOD_MS", "publishing_periods"]

ASSUMED_PERIOD_MS = 100.0
"""Of A100 and H100 in the paper above; taken where an idle sensor does not change."""

LOOK_S = 0.002
LIMIT_NS = 1_000_000_000
CHANGES = 6


def publishing_periods(
    devices: Sequence[str],
    read: Callable[[str], object],
    clock: Callable[[], int] = time.monotonic_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[str, float]:
    """The period of each device's sensor in ms; one whose value did not change is left out.

    Parameters
    ----------
    devices
        Their names.
    read
        What the sensors of one show, its energy counter too: that changes even when idle.
    clock, sleep
        For tests: time that passes as it is told to.
    """
    end_ns = clock() + LIMIT_NS
    shown: dict[str, object] = {}
    changes: dict[str, list[int]] = {name: [] for name in devices}
    waiting = set(devices)
    while waiting and clock() < end_ns:
        for name in sorted(waiting):
            value = read(name)
            if name in shown and value != shown[name]:
                changes[name].append(clock())
            shown[name] = value
            if len(changes[name]) > CHANGES or value is None:
                waiting.discard(name)
        sleep(LOOK_S)
    return {name: found for name in devices if (found := _period_ms(changes[name])) is not None}


def _period_ms(instants_ns: Sequence[int]) -> float | None:
    """The median time between changes; null with fewer than three of them."""
    if len(instants_ns) < 3:
        return None
    gaps = [later - earlier for earlier, later in pairwise(instants_ns)]
    return median(gaps) / 1e6
