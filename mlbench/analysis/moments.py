"""When a run began and how long it took, from the clocks in its manifest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

__all__ = ["duration_s", "phases_s", "started_s"]

Json = Mapping[str, Any]
"""A manifest; Any: JSON."""


def started_s(manifest: Json) -> float | None:
    """When the run began, in seconds of the wall clock; null before it did."""
    begin = (manifest.get("clock") or {}).get("begin")
    return None if begin is None else float(begin["realtime_ns"]) / 1e9


def phases_s(manifest: Json) -> dict[str, float]:
    """How long each phase that has ended took, in their order.

    Examples
    --------
    >>> phases_s({"phases": [{"name": "setup", "start_ns": 0, "end_ns": 3_000_000_000}]})
    {'setup': 3.0}
    """
    ended = (phase for phase in manifest["phases"] if phase["end_ns"] is not None)
    return {phase["name"]: (phase["end_ns"] - phase["start_ns"]) / 1e9 for phase in ended}


def duration_s(manifest: Json, going: bool) -> float | None:
    """How long the run took, or has taken so far; null where its engine did not close it."""
    clock = manifest.get("clock") or {}
    begin, end = clock.get("begin"), clock.get("end")
    if begin and end:
        return float(end["monotonic_ns"] - begin["monotonic_ns"]) / 1e9
    return time.time() - float(begin["realtime_ns"]) / 1e9 if begin and going else None
