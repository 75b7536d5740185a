"""Probe: what each pipeline uses of the host: its worker, and all processes below that."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from mlbench.interfaces.probe import Context, Metric, Probe, Reading, Row, Source, Tier
from mlbench.probes.accounts import Account
from mlbench.probes.counter import Counter
from mlbench.probes.cpu_clock import cpu_clock_s
from mlbench.probes.held import Held
from mlbench.probes.tree import bytes_of, threads_of

__all__ = ["Process"]

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGESIZE")
CLOCK, STAT, IO, STATUS = (
    "CPU clock of the process", "/proc/PID/stat", "/proc/PID/io", "/proc/PID/task/*/status",
)  # fmt: skip


def _of_pipeline(
    name: str, unit: str, source: str, tier: Tier, meaning: str, increase: bool = False
) -> Metric:
    kind = "increase" if increase else "level"
    return Metric(name, unit, source, kind, tier, "pipeline", meaning)  # type: ignore[arg-type]  # a literal


class Process(Probe):
    """Processor time, memory, input and output of each pipeline, over its tree of processes."""

    thread = "kernel"
    metrics = (
        _of_pipeline("cpu_time", "s", CLOCK, "medium", "user and system time", True),
        _of_pipeline("memory_rss", "bytes", STAT, "slow", "resident; shared pages count often"),
        _of_pipeline("processes", "count", STAT, "slow", "its worker and those below"),
        _of_pipeline("threads", "count", STAT, "slow", "of all its processes"),
        _of_pipeline("io_read", "bytes", IO, "rare", "fetched from storage", True),
        _of_pipeline("io_written", "bytes", IO, "rare", "sent to storage", True),
        _of_pipeline("switches_voluntary", "count", STATUS, "rare", "it waited", True),
        _of_pipeline("switches_involuntary", "count", STATUS, "rare", "another was due", True),
        _of_pipeline(
            "memory_pss", "bytes", "/proc/PID/smaps_rollup", "ends", "shared pages in proportion"
        ),
    )

    @contextmanager
    def open(self, context: Context) -> Iterator[Source]:
        """Yield what all pipelines use."""
        if not (context.root / "proc/self/stat").exists():
            for metric in self.metrics:
                context.missing(metric.name, "needs Linux: there is no /proc")
            yield lambda _: ()
            return
        pipelines = _Pipelines(context)
        try:
            yield pipelines.read
        finally:
            pipelines.close()


@dataclass
class _Known:
    """One process: its held files, and what its ``stat`` said last."""

    stat: Held
    io: Held | None
    status: Held | None = None
    waited_s: float = 0.0
    threads: int = 1
    lives: bool = True
    rss_pages: int = 0

    def look(self) -> bool:
        """Read its ``stat``; false where it has ended and somebody has waited for it.

        Fields are counted from the state, the third: 16 and 17 are the ticks of the children
        that it waited for, 20 its threads, 24 its resident pages.
        """
        try:
            fields = self.stat.read().rpartition(b")")[2].split(None, 22)
        except OSError:
            return False
        if len(fields) < 22:
            return False
        self.waited_s = (int(fields[13]) + int(fields[14])) * TICK_S
        self.lives = fields[0] not in (b"Z", b"X")
        self.threads, self.rss_pages = int(fields[17]), int(fields[21])
        return True

    def statuses(self, proc: str, pid: int) -> Iterator[tuple[str, bytes]]:
        """What ``status`` says of each thread, by its id; that of one alone is held, too."""
        if self.threads != 1:
            for thread in threads_of(proc, pid):
                yield thread, bytes_of(f"{proc}/{pid}/task/{thread}/status")
            return
        with suppress(OSError):  # it has ended
            if self.status is None:
                self.status = Held(f"{proc}/{pid}/task/{pid}/status")
            yield str(pid), self.status.read()

    def close(self) -> None:
        for file in (self.stat, self.io, self.status):
            if file is not None:
                file.close()


@dataclass
class _Used:
    """What one pipeline has used so far."""

    name: str
    processes: dict[int, _Known] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    waited_s: float = 0.0

    def add_up(self) -> None:
        """Note what the children that its processes waited for have used."""
        self.waited_s = sum(known.waited_s for known in self.processes.values())

    def lose(self, pid: int) -> None:
        """Let go of a process that has ended."""
        self.processes.pop(pid).close()
        self.add_up()

    def increase(
        self,
        metric: str,
        now_ns: int,
        own: Mapping[int, float],
        inclusive: float = 0.0,
    ) -> Iterator[Row]:
        """What the pipeline used since the last reading."""
        total = self.accounts.setdefault(metric, Account()).add(own, inclusive)
        counter = self.counters.setdefault(metric, Counter(metric))
        if reading := counter.reading(total, now_ns, pipeline=self.name):
            yield reading


class _Pipelines:
    """All pipelines of the run."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._proc = str(context.root / "proc")
        self._used: dict[str, _Used] = {}
        self._owners: Mapping[int, str] = {}

    def read(self, tier: Tier) -> Iterator[Row]:
        """The readings of one tier."""
        self._meet()
        for used in self._used.values():
            if tier == "medium":
                yield from self._time(used)
            elif tier == "slow":
                yield from self._sizes(used)
            elif tier == "rare":
                yield from self._traffic(used)
                yield from self._switches(used)
            elif tier == "ends":
                yield from self._shared_memory(used)

    def close(self) -> None:
        """Let go of all files."""
        for used in self._used.values():
            for known in used.processes.values():
                known.close()

    def _meet(self) -> None:
        """Take up the processes that are new."""
        owners = self._context.owners()
        if owners is self._owners:
            return
        self._owners = owners
        for pid, name in owners.items():
            used = self._used.setdefault(name, _Used(name))
            if pid not in used.processes and (known := self._known(pid)) is not None:
                used.processes[pid] = known
                used.add_up()

    def _known(self, pid: int) -> _Known | None:
        folder = f"{self._proc}/{pid}"
        try:
            stat = Held(f"{folder}/stat", 1024)
        except OSError:  # it has just ended
            return None
        try:
            known = _Known(stat, Held(f"{folder}/io", 512))
        except OSError as error:
            if isinstance(error, PermissionError):
                for metric in ("io_read", "io_written"):
                    self._context.missing(metric, "the kernel does not show it to this user")
            known = _Known(stat, None)
        known.look()
        return known

    def _time(self, used: _Used) -> Iterator[Row]:
        """Processor time; that of children that were waited for as of the last look at sizes."""
        own: dict[int, float] = {}
        for pid in tuple(used.processes):
            try:
                own[pid] = cpu_clock_s(pid)
            except OSError:
                used.lose(pid)
        if own or used.accounts:
            inclusive = sum(own.values()) + used.waited_s
            yield from used.increase("cpu_time", self._context.clock(), own, inclusive)

    def _sizes(self, used: _Used) -> Iterator[Row]:
        for pid, known in tuple(used.processes.items()):
            if not known.look():
                used.lose(pid)
        used.add_up()
        living = [known for known in used.processes.values() if known.lives]
        now_ns, name = self._context.clock(), used.name
        if living:
            resident = sum(known.rss_pages for known in living) * PAGE_BYTES
            threads = sum(known.threads for known in living)
            yield Reading("memory_rss", resident, now_ns, pipeline=name)
            yield Reading("processes", len(living), now_ns, pipeline=name)
            yield Reading("threads", threads, now_ns, pipeline=name)

    def _traffic(self, used: _Used) -> Iterator[Row]:
        """Bytes from and to storage; a process shows that of children that it waited for, too."""
        read: dict[int, float] = {}
        written: dict[int, float] = {}
        for pid, known in used.processes.items():
            try:
                lines = known.io.read().split() if known.io is not None else []
            except OSError:  # it has ended, or is another user's by now
                continue
            values = dict(zip(lines[::2], lines[1::2], strict=False))
            read[pid] = float(values.get(b"read_bytes:", 0))
            written[pid] = float(values.get(b"write_bytes:", 0))
        now_ns = self._context.clock()
        for metric, each in (("io_read", read), ("io_written", written)):
            if (metric, None) not in self._context.nulls:
                yield from used.increase(metric, now_ns, {}, sum(each.values()))

    def _switches(self, used: _Used) -> Iterator[Row]:
        """Of every thread: ``status`` of a process has those of its first thread alone."""
        voluntary: dict[int, float] = {}
        involuntary: dict[int, float] = {}
        for pid, known in used.processes.items():
            for thread, text in known.statuses(self._proc, pid):
                counts = _switches_of(text)
                if counts is not None:
                    voluntary[int(thread)], involuntary[int(thread)] = counts
        now_ns = self._context.clock()
        yield from used.increase("switches_voluntary", now_ns, voluntary)
        yield from used.increase("switches_involuntary", now_ns, involuntary)

    def _shared_memory(self, used: _Used) -> Iterator[Row]:
        rollups = (bytes_of(f"{self._proc}/{pid}/smaps_rollup") for pid in used.processes)
        sizes = [_pss_bytes(text) for text in rollups]
        known = [size for size in sizes if size is not None]
        if known:
            yield Reading("memory_pss", sum(known), self._context.clock(), pipeline=used.name)


def _switches_of(status: bytes) -> tuple[float, float] | None:
    _, found, counts = status.partition(b"\nvoluntary_ctxt_switches:")
    fields = counts.split(None, 3)
    return (float(fields[0]), float(fields[2])) if found else None


def _pss_bytes(rollup: bytes) -> int | None:
    sizes = (line.split()[1] for line in rollup.splitlines() if line.startswith(b"Pss:"))
    return next((int(size) * 1024 for size in sizes), None)
