"""What there is to be split of one GPU: its SM time, its memory, its energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlbench.analysis.attribution_seen import Seen, why_null
from mlbench.analysis.attribution_split import Account, blended, equal, shares_of
from mlbench.analysis.attribution_usage import OTHERS, covered, held, used
from mlbench.analysis.energy import Energy, energies
from mlbench.analysis.periods import Period
from mlbench.analysis.power_limits import PERIODS

__all__ = ["WHOLE", "Gpu", "of_energy"]

ASSUMED_PERIOD_MS = 100.0
"""Of a power sensor of which nothing is known: that of A100 and H100 (arXiv 2312.02741)."""

NOT_ALONE = "no isolated run of {} was given"
APART = (
    "the driver names no process of a pipeline on it: it is cut by MIG, in a container with "
    "process ids of its own, or nobody ran there"
)
NO_ACTIVITY = "the driver does not say what part of its SMs was used"
WHOLE = "a process holds memory across its stages"


class Gpu:
    """One GPU of the run, with what is on it."""

    def __init__(
        self,
        seen: Seen,
        period: Period,
        device: Mapping[str, Any],  # Any: JSON
        isolated: Mapping[str, Seen],
    ) -> None:
        self._seen = seen
        self._period = period
        self._device = device
        self._isolated = isolated
        self._name = str(device["name"])
        self._busy = seen.rows("gpu_process_sm", self._name)
        self._used = used(self._busy, period)

    def activity(self) -> Account:
        """Its SM time: of the whole GPU where its hardware counts it, else of its processes."""
        counted = self._seen.rows("gpu_sm_activity", self._name)
        total: float | None = None
        if len(counted) and covered(counted, self._period):
            total = sum(used(counted, self._period).values())
        elif self._used:
            total = sum(self._used.values())
        reason = None if total is not None else NO_ACTIVITY
        apart_ms = float(np.median(self._busy.end_ns - self._busy.start_ns)) / 1e6 if self else 0
        return Account(
            "sm_s", self._name, total, reason, models=self._models("sm_s"),
            stage_ms=PERIODS * apart_ms if apart_ms else None,
            stage_reason=f"{PERIODS} samples of process activity, {apart_ms:.3g} ms each"
            if apart_ms else "the driver does not tell processes apart",
        )  # fmt: skip

    def __bool__(self) -> bool:
        return bool(len(self._busy))

    def memory(self) -> Account:
        """What was allocated, over time; others have what no pipeline's process holds."""
        device = self._seen.rows("gpu_memory_used", self._name)
        kept = held(self._seen.rows("gpu_process_memory", self._name), self._period)
        kept.pop(OTHERS, None)
        total = sum(held(device, self._period).values()) if len(device) else None
        weights = {**kept, OTHERS: max(0.0, (total or 0.0) - sum(kept.values()))}
        models = {"equal": equal(self._tenants()), "held": weights if kept else APART}
        reason = None if total is not None else why_null(self._seen.manifest, "gpu_memory_used")
        return Account(
            "memory_byte_s", self._name, total, reason, models=models, stage_reason=WHOLE
        )

    def energy(self, energy: Energy) -> Account:
        """Its energy, idle apart."""
        period_ms = float(self._device.get("power_period_ms") or ASSUMED_PERIOD_MS)
        reason = f"{PERIODS} periods of the power sensor, {period_ms:.3g} ms each"
        return of_energy(energy, self._models("energy_j"), PERIODS * period_ms, reason)

    def _models(self, resource: str) -> dict[str, Mapping[int, float] | str]:
        told = any(party != OTHERS for party in self._used)
        activity = shares_of(self._used) if told else APART
        found: dict[str, Mapping[int, float] | str] = {
            "equal": equal(self._tenants()),
            "sm": activity,
        }
        if resource == "energy_j":
            busy = self._seen.rows("gpu_process_memory_busy", self._name)
            found["sm_and_memory"] = blended(activity, shares_of(used(busy, self._period)))
        found["calibrated"] = self._calibrated(resource)
        return found

    def _tenants(self) -> list[int]:
        """The pipelines that were on it: by their processes, else by where they were placed."""
        parts = [str(each["name"]) for each in self._seen.devices("mig", of=self._name)]
        parties = set(self._used)
        for name in (self._name, *parts):
            parties |= set(self._seen.rows("gpu_process_memory", name).party.tolist())
        if found := sorted(parties - {OTHERS}):
            return found
        number = self._name.removeprefix("gpu")
        places = [
            str((self._seen.record.pipeline(name).get("placement") or {}).get("device"))
            for name in self._seen.record.names
        ]
        return [code for code, place in enumerate(places) if place == f"cuda:{number}"]

    def _calibrated(self, resource: str) -> Mapping[int, float] | str:
        """What each pipeline used for a query alone, times the queries that it did here."""
        weights: dict[int, float] = {}
        for code in self._tenants():
            name = self._seen.record.names[code]
            if name not in self._isolated:
                return NOT_ALONE.format(name)
            each = _alone(self._isolated[name], name, str(self._device.get("uuid")), resource)
            if isinstance(each, str):
                return f"{name} alone: {each}"
            weights[code] = each * self._seen.done(name, self._period)
        return shares_of(weights)


def _alone(seen: Seen, name: str, uuid: str, resource: str) -> float | str:
    """What one query of a pipeline used on a device with nothing beside it, or why not."""
    period = seen.period
    count = seen.done(name, period) if period is not None else 0
    device = next((each for each in seen.devices("gpu") if str(each.get("uuid")) == uuid), None)
    if period is None or not count:
        return "it did no query"
    if device is None:
        return "it was not on this device"
    if resource == "sm_s":
        total = Gpu(seen, period, device, {}).activity().total
        return NO_ACTIVITY if total is None else total / count
    found = {each.device: each for each in energies(seen.manifest, seen.samples, period)}
    energy = found.get(str(device["name"]))
    if energy is None or (account := of_energy(energy, {}, None, "")).total is None:
        return "its energy is not known"
    if account.idle is None:
        return "what the idle device drew is not known"
    return account.caused / count


def of_energy(
    energy: Energy,
    models: Mapping[str, Mapping[int, float] | str],
    stage_ms: float | None,
    stage_reason: str,
) -> Account:
    """The device's own account where it has one, else the integral of its power."""
    total = energy.integral_joules if energy.counter_joules is None else energy.counter_joules
    idle = energy.idle_joules
    return Account(
        "energy_j", energy.device, total,
        None if total is not None else energy.reasons["integral_joules"],
        idle=None if idle is None or total is None else min(idle, total),
        idle_reason=energy.reasons.get("idle_joules"),
        models=models, stage_ms=stage_ms, stage_reason=stage_reason,
    )  # fmt: skip
