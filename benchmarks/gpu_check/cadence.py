"""How often the driver has new rows for each process, whose processes they are, and their age."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

from benchmarks.gpu_check.part import Site
from mlbench.probes.nvml_calls import UtilizationCall

__all__ = ["cadence"]

POLL_S = 0.01


def cadence(
    site: Site, going: Callable[[], bool], clock: Callable[[], int] = time.time_ns
) -> dict[str, Any]:
    """What `nvmlDeviceGetProcessUtilization` gives for as long as something is going.

    Returns
    -------
    dict
        ``processes`` by id: ``rows``, ``gap_ms`` (median between rows), ``sm`` (mean, %);
        ``age_ms`` (median from a row's own instant to when it was first seen).
    """
    call, seen_us = UtilizationCall(site.nvml, site.handle), 0
    stamps: dict[int, list[int]] = {}
    busy: dict[int, list[int]] = {}
    ages: list[float] = []
    errors: set[str] = set()
    while going():
        try:
            rows = [(int(r.pid), int(r.timeStamp), int(r.smUtil)) for r in call(seen_us)]
        except site.nvml.NVMLError as error:
            errors.add(str(error))
            rows = []
        fresh = [row for row in rows if row[1] > seen_us]
        for pid, stamp, share in fresh:
            stamps.setdefault(pid, []).append(stamp)
            busy.setdefault(pid, []).append(share)
            ages.append(clock() / 1e6 - stamp / 1e3)
        seen_us = max([seen_us, *(stamp for _, stamp, _ in fresh)])
        time.sleep(POLL_S)
    processes = {str(pid): _described(found, busy[pid]) for pid, found in stamps.items()}
    age_ms = median(ages) if ages else None
    return {"processes": processes, "age_ms": age_ms, "errors": sorted(errors)}


def _described(stamps: list[int], busy: list[int]) -> dict[str, Any]:
    gaps = [(later - sooner) / 1e3 for sooner, later in pairwise(stamps)]
    gap_ms = median(gaps) if gaps else None
    return {"rows": len(stamps), "gap_ms": gap_ms, "sm": sum(busy) / len(busy)}
