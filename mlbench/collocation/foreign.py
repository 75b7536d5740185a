"""Foreign load: what others did to the machine around a run and while it went on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlbench.machine.contention import Contention, Ticks, read_ticks, watch
from mlbench.machine.cpu import available_cpus
from mlbench.machine.gpu import read_gpus, visible
from mlbench.spec import Study

__all__ = ["LOOK_S", "Foreign", "Witness", "holders", "look"]

LOOK_S = 0.5
"""Half a second shows 2 % of one processor: the kernel counts a hundred ticks in a second."""


@dataclass(frozen=True)
class Foreign:
    """What others did, in shares of the processors' time; null where the kernel does not say.

    Parameters
    ----------
    before
        In the moment before the run, when nothing of it was there.
    during
        From its start to its end: all that was done, less what the run's own processes and
        this one used.
    steal
        What a hypervisor took, from its start to its end.
    contexts
        Processes that held a context on a GPU of the run before it; as NVML numbers them,
        which in a container is not as it sees them.
    """

    before: float | None = None
    during: float | None = None
    steal: float | None = None
    contexts: tuple[int, ...] = ()

    def reasons(self, study: Study) -> Iterator[str]:
        """Why the run is INVALID: each share that is above its limit."""
        limit, stolen = study.foreign_share, study.steal_share
        told = f"(study: {{foreign_share: {limit:g}}})"
        if self.before is not None and self.before > limit:
            yield f"Others used {self.before:.1%} of the processors right before the run {told}."
        if self.during is not None and self.during > limit:
            yield f"Others used {self.during:.1%} of the processors during the run {told}."
        if self.steal is not None and self.steal > stolen:
            yield (
                f"A hypervisor took {self.steal:.1%} of the processors' time during the run "
                f"(study: {{steal_share: {stolen:g}}})."
            )
        if self.contexts:
            pids = ", ".join(map(str, self.contexts))
            yield f"Others held a context on the GPU before the run: process {pids}."

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """For ``study.json``."""
        return asdict(self)


def look(pause: Callable[[float], None] = time.sleep) -> Contention:
    """What others do at this moment, while nothing of ours runs."""
    return watch(LOOK_S, sleep=pause)


def holders(devices: Iterable[str]) -> tuple[int, ...]:
    """Processes that hold a context on one of the devices, while nothing of ours runs."""
    wanted = {device for device in devices if device.startswith("cuda")}
    if not wanted:
        return ()
    found = read_gpus()
    shown = visible(found.devices, os.environ.get("CUDA_VISIBLE_DEVICES"))
    uuids = {uuid for i, uuid in enumerate(shown) if f"cuda:{i}" in wanted}
    return tuple(
        process.pid
        for gpu in found.devices
        if gpu.uuid in uuids
        for process in gpu.processes or ()
        if process.pid != os.getpid()
    )


class Witness:
    """Remembers the counters at the start of a run, and says what others did since.

    What the run itself used is known from the kernel, too: its engine waits for every
    process that it starts, and whoever started the engine waits for it.

    Parameters
    ----------
    devices
        Those of the run, ``cpu`` or ``cuda:N``.
    root
        Where ``proc`` is.
    """

    def __init__(self, devices: Iterable[str] = (), root: Path = Path("/")) -> None:
        self._root, self._cpus = root, available_cpus()
        self._contexts = holders(devices)
        self._ticks, self._own_s = self._read(), _own_s()

    def _read(self) -> Ticks | None:
        return read_ticks(self._root, self._cpus)

    def since(self, before: Contention) -> Foreign:
        """What others did from the start until now, the engine being waited for."""
        later, own_s = self._read(), _own_s() - self._own_s
        if self._ticks is None or later is None:
            return Foreign(before=before.busy_share, contexts=self._contexts)
        done = later.since(self._ticks)
        foreign = done.busy - own_s * os.sysconf("SC_CLK_TCK")
        return Foreign(
            before=before.busy_share,
            during=_share(foreign, done.total),
            steal=_share(done.steal, done.total),
            contexts=self._contexts,
        )


def _own_s() -> float:
    """Seconds of processor time of this process and of all children that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _share(part: float, whole: float) -> float | None:
    return min(1.0, max(0.0, part / whole)) if whole > 0 else None
