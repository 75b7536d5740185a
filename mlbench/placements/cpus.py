"""Processors, threads and device of each pipeline: what a spec leaves out is divided here.

Two pipelines whose threads spin on the same cores collapse (a small MLP fourteen times
slower on two cores), so a placement always says both the processors and the threads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlbench.errors import EngineError
from mlbench.machine.permissions import HIGH_NICE
from mlbench.spec import Benchmark, Placement

__all__ = [
    "ResolvedPlacement",
    "divide",
    "divide_here",
    "environment",
    "harness_cpus",
    "harness_here",
    "is_apart",
    "is_apart_here",
    "pin",
]

NICE = {"high": HIGH_NICE, "best_effort": 10}
"""The scheduler weighs a step of niceness by 1.25: ten of them are a factor of nine."""

PLENTY = 4
"""Cores for each pipeline, from which on one is left to the harness."""


@dataclass(frozen=True)
class ResolvedPlacement:
    """Where a pipeline runs, with nothing left open.

    Parameters
    ----------
    device
        ``cpu`` or ``cuda:N``, with N in the order of the PCI bus, as NVML has it.
    cpus
        Processors that it is pinned to.
    threads
        Threads of torch, OpenMP and BLAS.
    priority
        ``high``, ``normal`` or ``best_effort``.
    shared
        Whether another pipeline of the spec has one of the processors, too.
    """

    device: str
    cpus: tuple[int, ...]
    threads: int
    priority: str
    shared: bool = False


def divide(
    bench: Benchmark,
    available: tuple[int, ...],
    siblings: Sequence[Sequence[int]] | None = None,
    gpus: int = 0,
) -> dict[str, ResolvedPlacement]:
    """The placement of each pipeline of the spec, by name.

    It depends on the whole spec and never on which pipelines run: a pipeline that is
    measured alone stays on the share that it has beside the others, or the slowdown
    would be that of a smaller share.

    Explicit processors are kept as they are. The other pipelines divide those that
    nobody named (all, if none is left) in contiguous, nearly equal shares: of whole
    cores where there are enough, because hardware threads of one core contend inside of
    it; else of processors; and with fewer processors than pipelines, round-robin. Of four
    cores or more for each of them, the last one is left to the harness (`harness_cpus`).

    Parameters
    ----------
    bench
        The whole spec.
    available
        Processors that this process may use.
    siblings
        The processors of each physical core; null if that is not known.
    gpus
        GPUs that a worker sees.

    Examples
    --------
    >>> place = {"cpus": [0]}
    >>> step = {"data": {"uses": "synthetic.items"}, "stages": {"a": {"uses": "synthetic.noop"}}}
    >>> bench = Benchmark(name="two", pipelines={"x": {**step, "place": place}, "y": step})
    >>> divide(bench, available=(0, 1, 2))["y"].cpus
    (1, 2)
    """
    places = {name: pipeline.place for name, pipeline in bench.pipelines.items()}
    named = {cpu for place in places.values() for cpu in place.cpus or ()}
    free = [cpu for cpu in available if cpu not in named] or list(available)
    waiting = [name for name, place in places.items() if place.cpus is None]
    cores = _cores(free, siblings)
    if waiting and len(cores) >= PLENTY * len(waiting):
        cores = cores[:-1]
    shares = dict(zip(waiting, _shares(cores, len(waiting)), strict=True))
    cpus = {name: place.cpus or shares[name] for name, place in places.items()}
    return {name: _resolved(name, place, cpus, gpus) for name, place in places.items()}


def divide_here(bench: Benchmark) -> dict[str, ResolvedPlacement]:
    """The placement of each pipeline on this machine, by name."""
    from mlbench.machine.cpu import available_cpus, read_cores

    gpus = 0
    if any(pipeline.place.device != "cpu" for pipeline in bench.pipelines.values()):
        from mlbench.machine.gpu import device_count

        gpus = device_count()
    return divide(bench, available_cpus(), read_cores(), gpus)


def harness_cpus(
    places: Mapping[str, ResolvedPlacement],
    available: tuple[int, ...],
    siblings: Sequence[Sequence[int]] | None = None,
) -> tuple[int, ...]:
    """The processors of what measures (driver, sampler, recorder): the same in every treatment.

    Cores of which no pipeline of the spec has a processor; where there are none, processors
    that none has, or the last core. They depend on the whole spec, as the placements do. A
    harness that went wherever a processor is idle would be on that of an absent tenant beside
    a pipeline that is measured alone, and on its own beside the others: the slowdown would
    have the harness in it.

    Examples
    --------
    >>> place = ResolvedPlacement("cpu", (0, 1), 2, "normal")
    >>> harness_cpus({"x": place}, (0, 1, 2, 3)), harness_cpus({"x": place}, (0, 1))
    ((2, 3), (1,))
    """
    taken = {cpu for place in places.values() for cpu in place.cpus}
    cores = _cores(available, siblings)
    whole = [cpu for core in cores if taken.isdisjoint(core) for cpu in core]
    left = whole or [cpu for cpu in available if cpu not in taken] or cores[-1]
    return tuple(sorted(left))


def harness_here(places: Mapping[str, ResolvedPlacement]) -> tuple[int, ...]:
    """The processors of what measures, on this machine."""
    from mlbench.machine.cpu import available_cpus, read_cores

    return harness_cpus(places, available_cpus(), read_cores())


def is_apart(
    places: Mapping[str, ResolvedPlacement],
    harness: Sequence[int],
    siblings: Sequence[Sequence[int]] | None = None,
) -> bool:
    """Whether what measures has cores of its own: a thread that spins slows its core's other one.

    Examples
    --------
    >>> place = ResolvedPlacement("cpu", (0,), 1, "normal")
    >>> is_apart({"x": place}, (1,)), is_apart({"x": place}, (1,), siblings=[(0, 1)])
    (True, False)
    """
    core_of = {cpu: min(core) for core in siblings or () for cpu in core}
    taken = {core_of.get(cpu, cpu) for place in places.values() for cpu in place.cpus}
    return taken.isdisjoint(core_of.get(cpu, cpu) for cpu in harness)


def is_apart_here(places: Mapping[str, ResolvedPlacement]) -> bool:
    """Whether what measures has cores of its own on this machine."""
    from mlbench.machine.cpu import read_cores

    return is_apart(places, harness_here(places), read_cores())


def _resolved(
    name: str, place: Placement, cpus: Mapping[str, tuple[int, ...]], gpus: int
) -> ResolvedPlacement:
    others = {cpu for other, theirs in cpus.items() if other != name for cpu in theirs}
    return ResolvedPlacement(
        device=_device(place.device, gpus),
        cpus=cpus[name],
        threads=place.threads or len(cpus[name]),
        priority=place.priority,
        shared=not others.isdisjoint(cpus[name]),
    )


def _device(wanted: str, gpus: int) -> str:
    if wanted == "auto":
        return "cuda:0" if gpus else "cpu"
    return "cuda:0" if wanted == "cuda" else wanted


def _cores(cpus: Sequence[int], siblings: Sequence[Sequence[int]] | None) -> list[list[int]]:
    """``cpus`` by physical core, cores in order of their first; unknown ones stand alone."""
    core_of = {cpu: min(core) for core in siblings or () for cpu in core}
    cores: dict[int, list[int]] = {}
    for cpu in sorted(cpus):
        cores.setdefault(core_of.get(cpu, cpu), []).append(cpu)
    return [cores[first] for first in sorted(cores)]


def _shares(cores: Sequence[Sequence[int]], count: int) -> list[tuple[int, ...]]:
    """``count`` shares of the processors, none of them empty."""
    cpus = [cpu for core in cores for cpu in core]
    if count > len(cpus):
        return [(cpus[index % len(cpus)],) for index in range(count)]
    parts = cores if count <= len(cores) else [[cpu] for cpu in cpus]
    edges = [round(index * len(parts) / count) for index in range(count + 1)] if count else [0]
    return [
        tuple(sorted(cpu for part in parts[begin:end] for cpu in part))
        for begin, end in pairwise(edges)
    ]


def environment(placement: ResolvedPlacement) -> dict[str, str]:
    """The variables that a worker's environment needs before any library is loaded.

    OpenMP and BLAS read their number of threads once, when they load. An OpenMP thread
    that waits for its team spins by default; where another pipeline's thread wants the
    processor, the team then waits for a thread that waits for the processor. Passive
    waiting sleeps instead. It is slower alone, and the same in every treatment.

    CUDA numbers GPUs fastest first by default, NVML by the PCI bus; with both in the
    order of the bus, the GPU that is sampled is the one that the pipeline runs on.
    """
    threads = str(placement.threads)
    variables = {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
    }
    if placement.threads > 1 or placement.shared:
        variables["OMP_WAIT_POLICY"] = "PASSIVE"
    if placement.device != "cpu":
        variables["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    return variables


def pin(placement: ResolvedPlacement) -> None:
    """Pin this thread, and all threads and processes that it starts, to the processors.

    Call it before a library starts threads: Linux keeps affinity and niceness by thread,
    and a thread has those of the one that started it. ``best_effort`` gets nice 10, so
    that the scheduler gives it about a tenth of a processor that others want too; ``high``
    gets nice -10, and others about a tenth. The others are the run's: where the kernel
    groups processes by session (autogroup, sched(7)) or by container, niceness counts
    inside of the group, and the engine has a session of its own.

    Raises
    ------
    EngineError
        If the processors are not this process's to use: the kernel would quietly take
        those that are, and two pipelines would share what the spec keeps apart. Or if the
        priority is not.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise EngineError("pinning a pipeline to processors needs Linux")
    before = os.sched_getaffinity(0)
    wanted = set(placement.cpus)
    try:
        os.sched_setaffinity(0, wanted)
    except OSError as error:
        raise _not_pinned(wanted, before, error.strerror or str(error)) from None
    if os.sched_getaffinity(0) != wanted:
        raise _not_pinned(wanted, before, "some are not this process's to use")
    _prioritise(placement.priority)


def _prioritise(priority: str) -> None:
    """Set the niceness; one that a process has already is kept where it goes further."""
    if priority not in NICE:
        return
    present, wanted = os.getpriority(os.PRIO_PROCESS, 0), NICE[priority]
    further = min if wanted < 0 else max
    try:
        os.setpriority(os.PRIO_PROCESS, 0, further(present, wanted))
    except PermissionError:
        raise EngineError(
            f"priority {priority} needs the right to nice {wanted}, which this user has not: "
            "leave it out, and give the others priority: best_effort"
        ) from None


def _not_pinned(wanted: set[int], before: set[int], reason: str) -> EngineError:
    return EngineError(
        f"the pipeline cannot be pinned to processors {sorted(wanted)}: {reason}; this process "
        f"has {sorted(before)}: name some of these in the spec, place: {{cpus: [...]}}"
    )
