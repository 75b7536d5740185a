"""A lane of the sampler: one probe in a thread of its own.

NVML's calls release the interpreter lock, so one that hangs holds up its own lane and no
other; the process can leave without it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from queue import Empty, SimpleQueue
from time import monotonic_ns as clock
from typing import Any, Literal

from mlbench.engine.ring import HEADER, Ring
from mlbench.engine.sampler_schedule import Schedule
from mlbench.interfaces.probe import TIERS, Context, Probe, Row, Source, Tier
from mlbench.records import NULL

__all__ = ["Lane"]

Status = Literal["opening", "open", "hung", "failed", "closed"]


class Lane:
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
        self._words: SimpleQueue[Literal["mark", "leave"]] = SimpleQueue()
        self._nulls_seen = 0
        self._thread = threading.Thread(target=self._live, name=f"probe {name}", daemon=True)

    def start(self) -> None:
        """Open the probe and read it until told to leave, first as soon as it is open."""
        self.since_ns = clock()
        self._thread.start()

    def leave(self) -> None:
        """Have it close its probe."""
        self._words.put("leave")

    def mark(self) -> None:
        """Have it read what is read at the ends of a load; `marked` is set when it has."""
        if self.status != "open" or not self._reads("ends"):
            self.marked.set()
            return
        self.marked.clear()
        self._words.put("mark")

    def join(self, seconds: float) -> None:
        """Wait for its end; one that does not come back is left behind, and noted."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            late = "was not open" if self.status == "opening" else "had not come back"
            self.reason = f"it {late} when the run ended"
            self.status = "hung"

    @property
    def is_settled(self) -> bool:
        """Whether its probe is open, or will not be."""
        return self.status != "opening"

    def told(self) -> dict[str, Any]:  # Any: JSON
        """What it used, and how punctual it was."""
        return {
            "cpu_ns": self.cpu_ns,
            "readings": self.readings,
            "ticks": dict(self.schedule.ticks),
            "missed": dict(self.schedule.missed),
            "late_p99_ns": self.schedule.lateness.quantile_ns(0.99),
        }

    # -- in its thread -------------------------------------------------------------------

    def _live(self) -> None:
        try:
            self._read_until_told()
        except Exception as error:  # whatever a probe raises: it ends its own metrics alone
            self._becomes("failed", f"{type(error).__name__}: {error}")
        finally:
            self.since_ns = 0
            self.marked.set()
            self.cpu_ns += time.thread_time_ns()

    def _read_until_told(self) -> None:
        with self._probe.open(self.context) as source:
            self._opened()
            while (word := self._word()) != "leave":
                self._turn(source, word)
        self._becomes("closed")

    def _opened(self) -> None:
        rates = self.context.rates
        wanted = {tier: rates[tier] for tier in TIERS if tier in rates and self._reads(tier)}
        self.schedule = Schedule(wanted, clock())
        self.cpu_ns = -time.thread_time_ns()
        self._came_back(self.since_ns)
        self.since_ns = 0
        self._becomes("open")

    def _came_back(self, since_ns: int) -> None:
        """Note how long it was, where it had been taken for hung."""
        if self.status == "hung":
            waited_s = (clock() - since_ns) / 1e9
            self.context.note(f"the probe {self.name} did not come back for {waited_s:.1f} s")

    def _reads(self, tier: Tier) -> bool:
        """Whether some metric of this tier is not known to be missing."""
        nulls = self.context.nulls
        return any(m.tier == tier and (m.name, None) not in nulls for m in self._probe.metrics)

    def _word(self) -> Literal["mark", "leave"] | None:
        """What it is told before the next deadline; null where that has come."""
        instant_ns = self.schedule.next_ns
        wait_s = None if instant_ns is None else max(0.0, (instant_ns - clock()) / 1e9)
        try:
            return self._words.get(timeout=wait_s)
        except Empty:
            return None

    def _turn(self, source: Source, word: str | None) -> None:
        """Read what is asked for, and what is due."""
        now_ns = clock()
        self.since_ns = now_ns
        if word == "mark":
            self._write(source("ends"))
            self.marked.set()
        for tier in self.schedule.due(now_ns):
            self._write(source(tier))
        self.since_ns = 0
        if len(self.context.nulls) != self._nulls_seen:
            self._nulls_seen = len(self.context.nulls)
            self.schedule.keep(frozenset(tier for tier in TIERS if self._reads(tier)))
        if self.status == "hung":
            self._came_back(now_ns)
            self._becomes("open")

    def _write(self, readings: Iterable[Row]) -> None:
        """Pack the readings into the ring, as its `put` does: some thousand a second."""
        ring, metrics, devices, pipelines = (
            self._ring, self._metrics, self._devices, self._pipelines,
        )  # fmt: skip
        buffer, pack, mask, width = ring.buffer, ring.pack, ring.mask, ring.width
        count = 0
        for metric, value, end_ns, start_ns, device, pipeline, pid in readings:
            if not isfinite(value):  # that is no value
                continue
            if device not in devices:
                devices[device] = self._device_code(str(device))
            number = next(ring.numbers)
            if number >= ring.limit:
                ring.wait(number)
            pack(
                buffer,
                HEADER + (number & mask) * width,
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
