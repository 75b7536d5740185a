"""The sampler: reads all probes at their rates, in a process of its own.

As a thread of a pipeline it would hold that pipeline's interpreter lock (a 1 ms step of
torch then takes up to four); as a process it can be killed, whatever a driver does to it.
It is no part of a query: when it ends, samples end, and nothing else.
"""

from __future__ import annotations

import gc
import os
import select
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic_ns as clock
from typing import Any

from mlbench.check.find import find_choice
from mlbench.engine.clock import cpu_ns
from mlbench.engine.ring import Ring
from mlbench.engine.sampler_lane import Lane
from mlbench.engine.sampler_post import Post
from mlbench.engine.sampler_schedule import Lateness
from mlbench.engine.sampler_tables import Tables
from mlbench.engine.wire import Lines, tell
from mlbench.interfaces.probe import Context, Probe
from mlbench.probes.tree import owners_of
from mlbench.spec.choice import Choice
from mlbench.spec.telemetry import Telemetry

__all__ = ["Brief", "sample"]

SWITCH_S = 0.0005
"""How long one lane may hold the interpreter while another one waits; Python's is 5 ms."""

LEAVE_S = 0.5
"""What a lane gets to close its probe."""

MARK_S = 2.0

TOLD_NS = 100_000_000
"""Changes are told to the supervisor ten times a second at most: each is a new manifest."""


@dataclass(frozen=True)
class Brief:
    """What the sampler is told when it is forked.

    Parameters
    ----------
    telemetry
        Which probes to read, and how often.
    workers
        Process id of each pipeline's worker.
    codes
        Code of each pipeline.
    patience_s
        After which a probe that has not come back counts as hung.
    """

    telemetry: Telemetry
    workers: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    patience_s: float = 5.0


class _Sampler:
    def __init__(self, brief: Brief, ring: Ring, control: int, outbox: int) -> None:
        self._brief = brief
        self._ring = ring
        self._control = control
        self._outbox = outbox
        self._lines = Lines()
        self._rates: dict[Any, float] = dict(brief.telemetry.rates)
        self._tables = Tables(self._rates)
        self._owners = owners_of({pid: name for name, pid in brief.workers.items()})
        self._wakeup, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._is_ready = False
        self._since = (clock(), 0)
        self._leave = False
        self._has_changed = True
        self._told_ns = 0
        self._posts = [
            post
            for name, options in brief.telemetry.chosen.items()
            if (post := self._post(name, options)) is not None
        ]
        threads = dict.fromkeys(post.thread for post in self._posts)
        self._lanes = [
            Lane([post for post in self._posts if post.thread == thread]) for thread in threads
        ]

    def _post(self, name: str, options: dict[str, Any]) -> Post | None:
        """The post of a probe; null, noted, where it cannot be found or its options are wrong."""
        choice = Choice.model_construct(name=name, options=options)
        found = find_choice(choice, "probes", Probe, ("telemetry", "probes"))  # type: ignore[type-abstract]  # only compared with
        try:
            if found.made is None:
                raise ValueError("; ".join(map(str, found.problems)))
            codes = self._tables.declare(name, found.made.metrics)
        except ValueError as error:
            self._tables.failed[name] = str(error)
            return None
        context = Context(self._rates, lambda: self._owners, changed=self._changed)
        return Post(
            name, found.made, context, self._ring, codes, self._tables.device_code,
            self._brief.codes,
        )  # fmt: skip

    def _changed(self) -> None:
        with suppress(BlockingIOError):  # it is full of the same word
            os.write(self._wake, b"c")

    def run(self) -> None:
        """Read until told to leave."""
        for lane in self._lanes:
            lane.start()
        patience_ns = round(self._brief.patience_s * 1e9)
        period_ns = round(1e9 / self._rates["rare"])
        look_ns = clock() + period_ns
        while not self._leave:
            self._listen(min(look_ns, self._next_word_ns(patience_ns)) - clock())
            if clock() >= look_ns:
                look_ns = max(look_ns + period_ns, clock())
                self._owners = owners_of(self._owners)
            self._watch(patience_ns)
        self._close()

    def _next_word_ns(self, patience_ns: int) -> int:
        """When there may be something to tell."""
        now_ns = clock()
        return self._told_ns + TOLD_NS if self._has_changed else now_ns + patience_ns // 4

    def _listen(self, wait_ns: int) -> None:
        """Take what the supervisor says and what lanes have told, or wait."""
        readable, _, _ = select.select((self._control, self._wakeup), (), (), max(0, wait_ns) / 1e9)
        if self._wakeup in readable:
            os.read(self._wakeup, 4096)
            self._has_changed = True
        if self._control in readable:
            data = os.read(self._control, 4096)
            self._leave = self._leave or not data
            for message in self._lines.feed(data):
                self._obey(str(message["kind"]))

    def _obey(self, kind: str) -> None:
        if kind == "leave":
            self._leave = True
        elif kind == "mark":
            for lane in self._lanes:
                lane.mark()
            for post in self._posts:
                post.marked.wait(MARK_S)
            tell(self._outbox, "marked")

    def _watch(self, patience_ns: int) -> None:
        """Note who does not come back; tell once when all are open, or will not be."""
        now_ns = clock()
        for post in self._posts:
            since_ns = post.since_ns
            if since_ns and now_ns - since_ns > patience_ns and post.status in ("opening", "open"):
                self._held_up(post)
        ready = not self._is_ready and all(post.is_settled for post in self._posts)
        if ready or (self._has_changed and now_ns >= self._told_ns + TOLD_NS):
            self._tell_tables()
        if ready:
            self._is_ready, self._since = True, (clock(), cpu_ns())
            tell(self._outbox, "ready", power=self._measures_power())

    def _held_up(self, hung: Post) -> None:
        """Note a post that does not come back, and those that its thread cannot go on to."""
        since_ns, told = hung.since_ns, f"did not come back within {self._brief.patience_s:g} s"
        for post in self._posts:
            if post.thread == hung.thread and post.status in ("opening", "open"):
                post.hangs(since_ns, f"{'it' if post is hung else hung.name} {told}")

    def _measures_power(self) -> bool:
        document = self._tables.document(self._posts)
        return any(
            metric["unit"] in ("W", "J")
            and "" not in metric["null_reasons"]
            and metric["probe"] not in self._tables.failed
            for metric in document["metrics"]
        )

    def _tell_tables(self) -> None:
        self._has_changed, self._told_ns = False, clock()
        tell(self._outbox, "tables", **self._tables.document(self._posts))

    def _close(self) -> None:
        for lane in self._lanes:
            lane.leave()
        end_ns = clock() + round(LEAVE_S * 1e9)
        for lane in self._lanes:
            lane.join(max(0.0, (end_ns - clock()) / 1e9))
        self._tell_tables()

    def told(self) -> dict[str, Any]:  # Any: JSON
        """What it used since it was ready, what that is by probe, and what it missed."""
        begin_ns, begin_cpu_ns = self._since
        lateness = Lateness()
        for post in self._posts:
            lateness.merge(post.schedule.lateness)
        return {
            "cpu_ns": cpu_ns() - begin_cpu_ns,
            "wall_ns": clock() - begin_ns,
            "setup_cpu_ns": begin_cpu_ns,
            "stalled_ns": self._ring.stalled_ns,
            "cpus": sorted(os.sched_getaffinity(0)),
            "ticks": sum(sum(post.schedule.ticks.values()) for post in self._posts),
            "missed": sum(sum(post.schedule.missed.values()) for post in self._posts),
            "late_p99_ns": lateness.quantile_ns(0.99),
            "readings": sum(post.readings for post in self._posts),
            "probes": {post.name: post.told() for post in self._posts},
        }


def sample(brief: Brief, ring: Ring, control: int, outbox: int) -> int:
    """Sample until the supervisor says that it is over; returns the exit status."""
    sys.setswitchinterval(SWITCH_S)
    sampler = _Sampler(brief, ring, control, outbox)
    gc.collect()
    gc.freeze()  # what was imported is looked through no more; the little that comes still is
    sampler.run()
    tell(outbox, "closed", **sampler.told())
    return 0
