"""The schema of ``run.json``: what a reader relies on, checked before it does.

What the machine and the environment looked like is kept as it was written: it is shown, not
computed with.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlbench.errors import NotARunError
from mlbench.imports import without_plugins

__all__ = ["ManifestSchema", "checked"]

Nanoseconds = Annotated[int, Field(ge=-(2**62), le=2**62)]
Processor = Annotated[int, Field(ge=0, le=2**20)]
Text = Annotated[str, Field(max_length=1 << 16, pattern=r"^[^\x00]*$")]


class Entry(BaseModel):
    """A part of the manifest; keys that a reader does not know are left alone."""

    model_config = ConfigDict(extra="allow", strict=True, defer_build=True)


class Identity(Entry):
    """The engine's process."""

    pid: Annotated[int, Field(ge=0, le=2**31)]
    start_ticks: Nanoseconds | None
    boot_id: Text | None


class Instant(Entry):
    """One instant on both clocks."""

    monotonic_ns: Nanoseconds
    realtime_ns: Nanoseconds


class Clock(Entry):
    """The wall clock at both ends of the run."""

    begin: Instant
    end: Instant | None


class Span(Entry):
    """The window of a study."""

    begin_ns: Nanoseconds
    end_ns: Nanoseconds


class Phase(Entry):
    """A phase of the run."""

    name: Text
    start_ns: Nanoseconds
    end_ns: Nanoseconds | None


class LoadEntry(Entry):
    """How a pipeline was driven, and when."""

    kind: Literal["open", "closed"]
    until_last_completion: bool = False
    begin_ns: Nanoseconds | None = None
    end_ns: Nanoseconds | None = None
    ended: Text | None = None


class PlacementEntry(Entry):
    """Where a pipeline ran."""

    cpus: list[Processor] = []


class CostEntry(Entry):
    """What a process of the harness used, and in which time."""

    cpu_ns: Nanoseconds | None = None
    wall_ns: Nanoseconds | None = None


class HarnessEntry(Entry):
    """What measured: where it ran, and what it cost."""

    cpus: list[Processor] = []
    driver: CostEntry | None = None
    sampler: CostEntry | None = None
    recorder: CostEntry | None = None


class PipelineEntry(Entry):
    """A pipeline: how it ended, and the names behind its codes."""

    status: Literal["waiting", "running", "done", "failed", "stopped"]
    reason: Text | None
    folder: Annotated[str, Field(pattern=r"^[\w.~-]+$", max_length=255)]
    stages: list[Text]
    routes: list[Text]
    events: list[Text]
    placement: PlacementEntry
    load: LoadEntry
    timed_out: list[Nanoseconds]
    stalled_ns: Nanoseconds


class MetricEntry(Entry):
    """A metric of the samples, at the place of its code."""

    name: Text
    unit: Text
    source: Text
    kind: Literal["level", "mean", "increase"]
    null_reasons: dict[Text, Text] = {}


class DeviceEntry(Entry):
    """A device of the samples, at the place of its code."""

    name: Text
    kind: Text
    source: Text
    power_period_ms: float | None = None
    power_period_measured: bool = False
    power_window_ms: float | None = None
    lost_ns: Nanoseconds | None = None
    reason: Text | None = None


class TelemetryEntry(Entry):
    """What became of the sampler."""

    status: Literal["off", "starting", "sampling", "ended", "failed"]
    probes: dict[Text, Any] = {}  # Any: shown as it is
    notes: list[Text] = []
    idle: Span | None = None


class ManifestSchema(Entry):
    """``run.json``."""

    format: Literal[1]
    status: Literal["setup", "warm-up", "load", "drain", "done", "failed", "stopped"]
    reasons: list[Text]
    engine: Identity
    clock: Clock
    barrier_ns: Nanoseconds | None
    window: Span | None
    phases: list[Phase]
    pipelines: dict[Text, PipelineEntry]
    harness: HarnessEntry
    machine: dict[str, Any] = {}
    metrics: list[MetricEntry] = []
    devices: list[DeviceEntry] = []
    telemetry: TelemetryEntry = TelemetryEntry.model_construct(status="off")


def checked(data: dict[str, Any], where: str) -> dict[str, Any]:  # Any: JSON
    """The same manifest, if it is one.

    Raises
    ------
    NotARunError
        With the first key that is missing or of the wrong type.
    """
    try:
        with without_plugins(ManifestSchema):
            ManifestSchema.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise NotARunError(f"{where} is damaged: {key}: {first['msg']}") from None
    return data
