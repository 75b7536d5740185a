"""A post of the sampler: one probe, its deadlines, and the rows that it gives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from math import isfinite
from time import monotonic_ns as clock
from typing import Any, Literal

from mlbench.engine.ring import Ring
from mlbench.engine.sampler_schedule import Schedule
from mlbench.interfaces.probe import TIERS, Context, Probe, Row, Source, Tier
from mlbench.records import NULL

__all__ = ["Post"]

Status = Literal["opening", "open", "hung", "failed", "closed"]


class Post:
    """One probe: opened, read at its deadlines, closed.

    Parameters
    ----------
    name
        Of the probe, as registered.
    probe
        Its configuration.
    context
        What it may know, and what it tells.
    ring
        Takes the samples as rows.
    metric_codes
        Code of each metric that it declares.
    device_code
        Gives the code of a device, the first time too.
    pipeline_codes
        Code of each pipeline.
    """

    def __init__(
        self,
        name: str,
        probe: Probe,
        context: Context,
        ring: Ring,
        metric_codes: Mapping[str, int],
        device_code: Callable[[str], int],
        pipeline_codes: Mapping[str, int],
    ) -> None:
        self.name = name
        self.context = context
        self.status: Status = "opening"
        self.reason: str | None = None
        self.since_ns = 0
        self.marked = threading.Event()
        self.schedule = Schedule({}, 0)
        self.readings = 0
        self.cpu_ns = 0
        self._probe = probe
        self._ring = ring
        self._metrics = metric_codes
        self._device_code = device_code
        self._devices: dict[str | None, int] = {None: NULL}
        self._pipelines: dict[str | None, int] = {None: NULL}
        self._pipelines.update(pipeline_codes)
        self._nulls_seen = 0
        self._hung_since_ns = 0
        self._stack = ExitStack()
        self._source: Source = lambda _: ()

    @property
    def thread(self) -> str:
        """The probes with the same word share a thread."""
        return self._probe.thread or self.name

    @property
    def is_settled(self) -> bool:
        """Whether its probe is open, or will not be."""
        return self.status != "opening"

    @property
    def is_read(self) -> bool:
        """Whether its thread goes on to read it."""
        return self.status in ("open", "hung")

    def reads(self, tier: Tier) -> bool:
        """Whether some metric of this tier is not known to be missing."""
        nulls = self.context.nulls
        return any(m.tier == tier and (m.name, None) not in nulls for m in self._probe.metrics)

    def told(self) -> dict[str, Any]:  # Any: JSON
        """What it used since it was open, and how punctual it was."""
        return {
            "cpu_ns": self.cpu_ns,
            "readings": self.readings,
            "ticks": dict(self.schedule.ticks),
            "missed": dict(self.schedule.missed),
            "late_p99_ns": self.schedule.lateness.quantile_ns(0.99),
        }

    def hangs(self, since_ns: int, reason: str) -> None:
        """Note that it has not come back since an instant; from any thread."""
        self._hung_since_ns = since_ns
        self.status, self.reason = "hung", reason
        self.context.changed()

    # -- in the thread that it is read by ------------------------------------------------

    def open(self) -> None:
        """Open the probe; whatever it raises is noted."""
        self.since_ns = clock()
        try:
            self._source = self._stack.enter_context(self._probe.open(self.context))
        except Exception as error:  # whatever a probe raises: it ends its own metrics alone
            self._fail(error)
            return
        self.since_ns = 0
        self._came_back()
        self._becomes("open")

    def begin(self, origin_ns: int) -> None:
        """Fix its deadlines."""
        rates = self.context.rates
        wanted = {tier: rates[tier] for tier in TIERS if tier in rates and self.reads(tier)}
        self.schedule = Schedule(wanted, origin_ns)

    def turn(self, woke_ns: int, is_marked: bool) -> None:
        """Read what is due, and at a mark what is read at the ends of a load.

        Parameters
        ----------
        woke_ns
            When its thread woke up for it; other posts may have been read since.
        """
        now_ns, begin_cpu_ns = clock(), time.thread_time_ns()
        self.since_ns = now_ns
        try:
            if is_marked:
                self._write(self._source("ends"))
            for tier in self.schedule.due(now_ns, woke_ns):
                self._write(self._source(tier))
        except Exception as error:  # whatever a probe raises: it ends its own metrics alone
            self._fail(error)
            return
        self.since_ns = 0
        if is_marked:
            self.marked.set()
        if len(self.context.nulls) != self._nulls_seen:
            self._nulls_seen = len(self.context.nulls)
            self.schedule.keep(frozenset(tier for tier in TIERS if self.reads(tier)))
        if self.status == "hung":
            self._came_back()
            self._becomes("open")
        self.cpu_ns += time.thread_time_ns() - begin_cpu_ns

    def close(self) -> None:
        """Close the probe."""
        try:
            self._stack.close()
        except Exception as error:  # whatever a probe raises: its samples are there already
            self._fail(error)
        if self.status != "failed":
            self._becomes("closed")

    def _fail(self, error: Exception) -> None:
        self.since_ns = 0
        self._becomes("failed", f"{type(error).__name__}: {error}")
        self.marked.set()

    def _came_back(self) -> None:
        """Note how long it was, where it had been taken for hung."""
        if self.status == "hung":
            waited_s = (clock() - self._hung_since_ns) / 1e9
            self.context.note(f"the probe {self.name} did not come back for {waited_s:.1f} s")

    def _write(self, readings: Iterable[Row]) -> None:
        """Pack the readings into the ring, as its `put` does: some thousand a second."""
        ring, metrics, devices, pipelines = (
            self._ring, self._metrics, self._devices, self._pipelines,
        )  # fmt: skip
        table, pack, mask, width = ring.table, ring.pack, ring.mask, ring.width
        take, count = ring.numbers.__next__, 0
        for metric, value, end_ns, start_ns, device, pipeline, pid in readings:
            if not isfinite(value):  # that is no value
                continue
            if device not in devices:
                devices[device] = self._device_code(str(device))
            number = take()
            if number >= ring.limit:
                ring.wait(number)
            pack(
                table,
                (number & mask) * width,
                end_ns if start_ns is None else start_ns,
                end_ns,
                metrics[metric],
                devices[device],
                pipelines.get(pipeline, NULL),
                NULL if pid is None else pid,
                value,
                number + 1,
            )
            count += 1
        self.readings += count

    def _becomes(self, status: Status, reason: str | None = None) -> None:
        self.status, self.reason = status, reason
        self.context.changed()
