"""Foreign load: what others did to the machine around a run and while it went on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
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
        In the moment before the run, when nothing of it was there: of all processors, or of
        those of the run's placements, whichever is more.
    during
        From its start to its end, of all processors: what was done, less what the run's own
        processes and this one used.
    placed
        The same of the processors of the run's placements alone. All that is ours is taken
        off, though some of it ran elsewhere (the kernel does not say where): others did at
        least so much.
    steal
        What a hypervisor took, from its start to its end: of all processors, or of those of
        the placements, whichever is more.
    contexts, contexts_after
        Processes that held a context on a GPU of the run before it, and those that did when
        it had ended and were none of its own; as NVML numbers them, which in a container is
        not as it sees them.
    """

    before: float | None = None
    during: float | None = None
    placed: float | None = None
    steal: float | None = None
    contexts: tuple[int, ...] = ()
    contexts_after: tuple[int, ...] = ()

    def reasons(self, study: Study) -> Iterator[str]:
        """Why the run is INVALID: each share that is above its limit."""
        limit, stolen = study.foreign_share, study.steal_share
        told = f"(study: {{foreign_share: {limit:g}}})"
        if self.before is not None and self.before > limit:
            yield f"Others used {self.before:.1%} of the processors right before the run {told}."
        if self.during is not None and self.during > limit:
            yield f"Others used {self.during:.1%} of the processors during the run {told}."
        elif self.placed is not None and self.placed > limit:
            yield (
                f"Others used {self.placed:.1%} of the processors of the run's own placements "
                f"during the run {told}."
            )
        if self.steal is not None and self.steal > stolen:
            yield (
                f"A hypervisor took {self.steal:.1%} of the processors' time during the run "
                f"(study: {{steal_share: {stolen:g}}})."
            )
        if self.contexts:
            yield f"Others held a context on the GPU before the run: {_listed(self.contexts)}."
        if self.contexts_after:
            pids = _listed(self.contexts_after)
            yield f"Others held a context on the GPU at the end of the run: {pids}."

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """For ``study.json``."""
        return asdict(self)


def look(
    pause: Callable[[float], None] = time.sleep,
    cpus: tuple[int, ...] = (),
    root: Path = Path("/"),
) -> Contention:
    """What others do at this moment, while nothing of ours runs.

    Parameters
    ----------
    cpus
        Processors that a run will have: if they are busier than all are, that is the share.
    root
        Where ``proc`` is.
    """
    before = read_ticks(root, cpus)
    seen = watch(LOOK_S, root, sleep=pause)
    after = read_ticks(root, cpus)
    if before is None or after is None:
        return seen
    done = after.since(before)
    return replace(seen, busy_share=_greater(seen.busy_share, _share(done.busy, done.total)))


def holders(devices: Iterable[str], own: Collection[int] = ()) -> tuple[int, ...]:
    """Processes that hold a context on one of the devices, and are not our own.

    Parameters
    ----------
    own
        Processes that are ours besides this one.
    """
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
        if process.pid != os.getpid() and process.pid not in own
    )


class Witness:
    """Remembers the counters at the start of a run, and says what others did since.

    What the run itself used is known from the kernel, too: its engine waits for every
    process that it starts, and whoever started the engine waits for it.

    Parameters
    ----------
    devices
        Those of the run, ``cpu`` or ``cuda:N``.
    cpus
        Those that its placements give it.
    root
        Where ``proc`` is.
    """

    def __init__(
        self,
        devices: Collection[str] = (),
        cpus: tuple[int, ...] = (),
        root: Path = Path("/"),
    ) -> None:
        self._root, self._devices = root, tuple(devices)
        self._all, self._placed = available_cpus(), cpus
        self._contexts = holders(devices)
        self._ticks, self._own_s = self._read(), _own_s()

    def _read(self) -> tuple[Ticks | None, Ticks | None]:
        return read_ticks(self._root, self._all), read_ticks(self._root, self._placed)

    def since(self, before: Contention, own: Collection[int] = ()) -> Foreign:
        """What others did from the start until now, the engine being waited for.

        Parameters
        ----------
        before
            What `look` saw.
        own
            The run's own processes.
        """
        later, own_s = self._read(), _own_s() - self._own_s
        during, stolen = _since(self._ticks[0], later[0], own_s)
        placed, placed_stolen = _since(self._ticks[1], later[1], own_s)
        return Foreign(
            before=before.busy_share,
            during=during,
            placed=placed,
            steal=_greater(stolen, placed_stolen),
            contexts=self._contexts,
            contexts_after=holders(self._devices, own),
        )


def _since(
    first: Ticks | None, last: Ticks | None, own_s: float
) -> tuple[float | None, float | None]:
    """Shares that others used, and that a hypervisor took; null if the kernel does not say."""
    if first is None or last is None:
        return None, None
    done = last.since(first)
    foreign = done.busy - own_s * os.sysconf("SC_CLK_TCK")
    return _share(foreign, done.total), _share(done.steal, done.total)


def _greater(one: float | None, other: float | None) -> float | None:
    return max((share for share in (one, other) if share is not None), default=None)


def _listed(pids: Iterable[int]) -> str:
    return "process " + ", ".join(map(str, pids))


def _own_s() -> float:
    """Seconds of processor time of this process and of all children that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _share(part: float, whole: float) -> float | None:
    return min(1.0, max(0.0, part / whole)) if whole > 0 else None
