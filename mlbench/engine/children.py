"""The supervisor's view of the processes of a run: what they said, and whether they live."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlbench.engine.desk import Desk
from mlbench.engine.page import Slot
from mlbench.engine.process import end_group
from mlbench.engine.wire import Lines, Mail, mail

__all__ = ["Child", "Tenant", "how_it_ended"]


@dataclass
class Child:
    """A process of the run.

    Parameters
    ----------
    outbox
        Read end of the lines that it writes.
    control
        Write end of what the supervisor tells it.
    said
        The last message of each kind.
    status
        Its exit status once it has ended, as `os.waitstatus_to_exitcode` gives it.
    """

    name: str
    outbox: int
    control: int
    pid: int = 0
    pidfd: int = -1
    status: int | None = None
    said: dict[str, dict[str, Any]] = field(default_factory=dict)  # Any: JSON
    lines: Lines = field(default_factory=Lines)

    def started(self, pid: int) -> None:
        """Note the process, and get a descriptor that tells its end."""
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)

    @property
    def alive(self) -> bool:
        """Whether the process has not ended yet."""
        return self.pid > 0 and self.status is None

    def reap(self) -> None:
        """Take the exit status of a process that has ended; what it left in its group ends too.

        Until it is reaped nobody else can get its number.
        """
        end_group(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        os.close(self.pidfd)

    def cost(self) -> dict[str, Any]:  # Any: JSON
        """What it said of its precision and of what it used."""
        said = {**self.said.get("ready", {}), **self.said.get("closed", {})}
        return {key: value for key, value in said.items() if key != "kind"}

    def signal(self, number: int) -> None:
        """Send a signal to it and its process group."""
        if self.alive:
            end_group(self.pid, number)


@dataclass
class Tenant(Child):
    """A worker with its pipeline: where the pipeline stands in its life.

    Parameters
    ----------
    state
        ``waiting``, ``running``, ``done``, ``failed`` or ``stopped``.
    open_load
        Whether the driver dispatches its queries.
    background
        Whether it has no stop rule and ends with the others.
    deadline_ns
        When the present wait for it ends.
    """

    desk: Desk = None  # type: ignore[assignment]  # set before the worker starts
    folder: Path = Path()
    open_load: bool = False
    background: bool = False
    state: str = "waiting"
    reason: str | None = None
    load_end_ns: int | None = None
    queries: int | None = None
    why_ended: str | None = None
    timed_out: list[int] = field(default_factory=list)
    deadline_ns: int | None = None
    cancelled: bool = False
    dying: bool = False
    progress_ns: int = 0
    ended_before: int = 0

    def wish(self, kind: Mail, instant_ns: int = 0) -> None:
        """Tell the worker something, if it still lives."""
        with suppress(BrokenPipeError):
            os.write(self.control, mail(kind, due=instant_ns))

    def hangs_at(self, limit_ns: int, now_ns: int) -> int:
        """When the oldest query will have been under way so long, and none has ended since.

        A query may wait that long in front of a busy stage; while others end, nothing hangs.
        Where nothing is under way, it is when something that began now could hang.
        """
        started_ns = int(self.desk.page.cells[Slot.OLDEST_STARTED_NS]) or now_ns
        return max(started_ns, self.progress_ns) + limit_ns

    def has_progressed(self, now_ns: int) -> bool:
        """Whether queries have ended since the last look."""
        ended = int(self.desk.page.cells[Slot.ENDED])
        if ended == self.ended_before:
            return False
        self.ended_before, self.progress_ns = ended, now_ns
        return True

    def describe(self, entry: dict[str, Any]) -> None:  # Any: JSON
        """Write into the manifest's entry how the pipeline stands."""
        entry["status"], entry["reason"], entry["pid"] = self.state, self.reason, self.pid
        entry["timed_out"] = self.timed_out
        entry["load"]["end_ns"] = self.load_end_ns
        entry["load"]["ended"] = self.why_ended
        if done := self.said.get("done"):
            entry["stalled_ns"] = done["stalled_ns"]
        if closed := self.said.get("closed"):
            entry["cpu_ns"] = closed["cpu_ns"]
            entry["peak_memory_bytes"] = closed["peak_memory_bytes"]

    @property
    def over(self) -> bool:
        """Whether the pipeline has ended, well or not."""
        return self.state in ("done", "failed", "stopped")

    def fail(self, reason: str) -> None:
        """Note that the pipeline ended by failure; the first reason stays."""
        self.state = "failed"
        self.reason = self.reason or reason


def how_it_ended(status: int | None) -> str:
    """An exit status in words."""
    if status is None:
        return "it is unknown how"
    if status >= 0:
        return f"exit status {status}"
    hint = ", as the kernel does when memory runs out" if -status == signal.SIGKILL else ""
    return f"killed by {signal.Signals(-status).name}{hint}"
