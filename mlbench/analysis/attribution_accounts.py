"""What there is to be split between the pipelines of a run, and the weights of each model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mlbench.analysis.attribution_gpu import WHOLE, Gpu, of_energy
from mlbench.analysis.attribution_seen import Seen, why_null
from mlbench.analysis.attribution_split import Account, equal
from mlbench.analysis.attribution_usage import OTHERS, Rows, covered, held, used
from mlbench.analysis.energy import Energy, energies
from mlbench.analysis.periods import Period

__all__ = ["CPU_MODELS", "accounts"]

CPU_MODELS = ("service_time", "overlap")
"""Of processor time, which is measured by pipeline: they differ by stage alone."""


def accounts(seen: Seen, period: Period, isolated: Mapping[str, Seen]) -> Iterator[Account]:
    """All that can be split over the pipelines, in the order of a table.

    Parameters
    ----------
    isolated
        By pipeline, a run of it alone, for the model ``calibrated``.
    """
    yield _processor_time(seen, period)
    yield _resident(seen, period)
    found = {each.device: each for each in energies(seen.manifest, seen.samples, period)}
    for device in seen.devices("gpu"):
        gpu = Gpu(seen, period, device, isolated)
        yield gpu.activity()
        yield gpu.memory()
        if device["name"] in found:
            yield gpu.energy(found[device["name"]])
        for instance in seen.devices("mig", of=str(device["name"])):
            part = Gpu(seen, period, instance, isolated)
            yield part.activity()
            yield part.memory()
    for device in seen.devices("package"):
        if device["name"] in found:
            yield _package(seen, period, found[device["name"]])
    if not found:
        yield Account("energy_j", None, None, _why_no_energy(seen.manifest))


# -- processors --------------------------------------------------------------------------


def _processor_time(seen: Seen, period: Period) -> Account:
    rows = seen.rows("cpu_time")
    spent = _spent(seen, rows, period)
    if not spent:
        return Account("cpu_s", None, None, why_null(seen.manifest, "cpu_time"))
    apart_ms = float(np.median(rows.end_ns - rows.start_ns)) / 1e6
    return Account(
        "cpu_s",
        None,
        sum(spent.values()),
        models=dict.fromkeys(CPU_MODELS, spent),
        stage_ms=apart_ms,
        stage_reason=f"the {apart_ms:.3g} ms between two samples",
    )


def _spent(seen: Seen, rows: Rows, period: Period) -> dict[int, float]:
    """Processor seconds of each pipeline whose samples cover the period."""
    found = {}
    for code in range(len(seen.record.names)):
        mine = rows.of_party(code)
        if len(mine) and covered(mine, period):
            found[code] = float(mine.increases_in(period).sum())
    return found


def _resident(seen: Seen, period: Period) -> Account:
    rows = seen.rows("memory_rss")
    kept = held(rows, period)
    if not kept:
        why = why_null(seen.manifest, "memory_rss")
        return Account("memory_byte_s", None, None, why, stage_reason=WHOLE)
    total = sum(kept.values())
    return Account("memory_byte_s", None, total, models={"held": kept}, stage_reason=WHOLE)


def _package(seen: Seen, period: Period, energy: Energy) -> Account:
    """A package's energy by processor time; of others that is what its processors did besides."""
    spent = _spent(seen, seen.rows("cpu_time"), period)
    busy = sum(used(seen.rows("host_cpu_busy"), period).values())
    weights = {**spent, OTHERS: max(0.0, busy - sum(spent.values()))}
    models = {
        "equal": equal(list(range(len(seen.record.names)))),
        "cpu_time": weights if spent else why_null(seen.manifest, "cpu_time"),
    }
    return of_energy(energy, models, None, "a package's energy is split by pipeline alone")


# -- reasons -----------------------------------------------------------------------------


def _why_no_energy(manifest: Mapping[str, Any]) -> str:  # Any: JSON
    reasons = [
        str(each["null_reasons"][""])
        for each in manifest.get("metrics") or ()
        if each["unit"] == "J" and each["null_reasons"].get("")
    ]
    return "; ".join(dict.fromkeys(reasons)) or "no device shows power or counts energy"
