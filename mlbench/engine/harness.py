"""The processes of a run beside its workers: driver, sampler, recorder and guardian."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlbench.engine.children import Child, Tenant
from mlbench.engine.driver import Lane, drive
from mlbench.engine.process import confine, fork
from mlbench.engine.recorder import Assignment
from mlbench.engine.ring import Ring
from mlbench.engine.sampler import Brief, sample
from mlbench.engine.wire import pipe

__all__ = ["Harness"]


class Harness:
    """What measures, and is the same in every treatment.

    Parameters
    ----------
    log
        File that gets what its processes write to their standard error.
    recorder
        Process id, outbox and control of the recorder, which runs already.
    guardian
        Process id of the guardian.
    cpus
        Processors that its processes are confined to.
    """

    def __init__(
        self, log: Path, recorder: tuple[int, int, int], guardian: int, cpus: tuple[int, ...]
    ) -> None:
        self._log = log
        self._cpus = cpus
        self._guardian = guardian
        self.recorder = Child("recorder", recorder[1], recorder[2])
        self.recorder.started(recorder[0])
        self.driver: Child | None = None
        self.sampler: Child | None = None
        self._texts: tuple[int, ...] = ()

    def assign_recorder(self, run: Path, tenants: Iterable[Tenant]) -> None:
        """Tell the recorder what it is to record, and where; it is ready a moment later."""
        self._texts = tuple(tenant.desk.texts[0] for tenant in tenants)
        folders = tuple(str(tenant.folder) for tenant in tenants)
        assignment = Assignment(str(run), folders, self._texts, os.getpid(), self._cpus)
        with suppress(BrokenPipeError):  # it has just ended, which is heard, too
            os.write(self.recorder.control, assignment.to_line())

    def recorder_is_ready(self) -> None:
        """It has the read ends of the texts itself."""
        for fd in self._texts:
            os.close(fd)
        self._texts = ()

    def start_driver(self, lanes: Sequence[Lane], ring: Ring, patient: bool) -> Child:
        """Fork the driver; it gets the inboxes of the open loads."""
        inboxes = [lane.inbox for lane in lanes]
        body: Callable[[int, int], int] = lambda control, outbox: drive(  # noqa: E731
            list(lanes), ring, control, outbox, patient
        )
        self.driver = self._started("driver", body, inboxes)
        return self.driver

    def start_sampler(self, brief: Brief, ring: Ring) -> Child:
        """Fork the sampler, after the workers: it is told their process ids."""
        body: Callable[[int, int], int] = lambda control, outbox: sample(  # noqa: E731
            brief, ring, control, outbox
        )
        self.sampler = self._started("sampler", body, ())
        return self.sampler

    def _started(self, name: str, body: Callable[[int, int], int], keep: Iterable[int]) -> Child:
        control, outbox = pipe(), pipe()
        child = Child(name, outbox[0], control[1])
        own = (control[0], outbox[1])
        child.started(fork(name, lambda: self._confined(body, *own), (*own, *keep), self._log))
        for fd in own:
            os.close(fd)
        return child

    def _confined(self, body: Callable[[int, int], int], control: int, outbox: int) -> int:
        confine(self._cpus)
        return body(control, outbox)

    @property
    def drives(self) -> bool:
        """Whether there is a driver that listens."""
        return self.driver is not None and self.driver.alive

    @property
    def is_sampling(self) -> bool:
        """Whether the sampler has opened its probes, or will not."""
        sampler = self.sampler
        return sampler is None or not sampler.alive or "ready" in sampler.said

    def tell_driver(self, **message: object) -> None:
        """Tell the driver something, if there is one."""
        _tell(self.driver, message)

    def tell_sampler(self, **message: object) -> None:
        """Tell the sampler something, if there is one."""
        _tell(self.sampler, message)

    def finish_recorder(self) -> None:
        """All writers have ended: have it write what is left."""
        with suppress(BrokenPipeError):
            os.write(self.recorder.control, b"f")

    def end_guardian(self) -> None:
        """Nothing is left for it to guard."""
        with suppress(ProcessLookupError):
            os.kill(self._guardian, signal.SIGKILL)
            os.waitpid(self._guardian, 0)

    def costs(self) -> dict[str, Any]:  # Any: JSON
        """What each of them said of its precision and of what it used, by name."""
        children = (self.driver, self.sampler, self.recorder)
        return {child.name: child.cost() for child in children if child is not None}


def _tell(child: Child | None, message: dict[str, object]) -> None:
    if child is not None:
        with suppress(BrokenPipeError):  # it has just ended; its end is heard, too
            os.write(child.control, json.dumps(message).encode() + b"\n")
