"""What a placement asks for and this machine does not have."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlbench.errors import Path, Problem
from mlbench.interfaces.load import LoadModel
from mlbench.interfaces.placement import PlacementMethod
from mlbench.spec import Placement

__all__ = ["HERE", "Hardware", "lacking", "wrong_placement"]


def _gpu_count() -> int:
    from mlbench.machine.gpu import device_count

    return device_count()


def _processors() -> frozenset[int]:
    """The processors that this process may use; macOS and Windows bind none."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _high_priority() -> bool:
    from mlbench.machine.permissions import may_have_high_priority

    return may_have_high_priority()


@dataclass(frozen=True)
class Hardware:
    """What a machine has; each is asked for only where a spec names it.

    Parameters
    ----------
    gpu_count
        Number of GPUs that CUDA shows.
    processors
        Numbers of the processors that this process may use.
    high_priority
        Whether a pipeline may be put before others.
    """

    gpu_count: Callable[[], int] = _gpu_count
    processors: Callable[[], frozenset[int]] = _processors
    high_priority: Callable[[], bool] = _high_priority


HERE = Hardware()


def wrong_placement(
    place: Placement, sharing: PlacementMethod | None, hardware: Hardware, path: Path
) -> Iterator[Problem]:
    """The device, processors, threads and sharing that are not to be had."""
    at = (*path, "place")
    yield from _wrong_device(place.device, hardware, (*at, "device"))
    if place.cpus is not None or place.threads is not None:
        yield from _wrong_processors(place, hardware.processors(), at)
    if place.priority == "high" and not hardware.high_priority():
        yield _no_priority((*at, "priority"))
    if sharing is not None and place.sharing is not None:
        yield from _wrong_sharing(place, sharing, (*at, "sharing", place.sharing.name))


def _no_priority(path: Path) -> Problem:
    from mlbench.machine.permissions import FIXES, HIGH_NICE

    text = f"high priority needs the right to nice {HIGH_NICE}, which this user has not"
    return Problem(path, text, FIXES["high_priority"])


def _wrong_sharing(place: Placement, sharing: PlacementMethod, path: Path) -> Iterator[Problem]:
    """A method that the machine lacks, or that shares a GPU from the CPU."""
    if sharing.needs_gpu and place.device == "cpu":
        yield Problem(path, "shares a GPU, and the pipeline is placed on cpu", "device: cuda")
    else:
        yield from lacking(sharing, path)


def _wrong_device(device: str, hardware: Hardware, path: Path) -> Iterator[Problem]:
    if not device.startswith("cuda"):
        return
    count = hardware.gpu_count()
    index = int(device.partition(":")[2] or 0)
    if count == 0:
        yield Problem(path, f"there is no GPU for {device!r}", "write device: cpu or auto")
    elif index >= count:
        known = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        yield Problem(path, f"there is no {device!r}", f"this machine has {known}")


def _wrong_processors(place: Placement, allowed: frozenset[int], path: Path) -> Iterator[Problem]:
    for i, number in enumerate(place.cpus or ()):
        if number not in allowed:
            hint = f"it may use: {ranges(allowed)}"
            yield Problem((*path, "cpus", i), f"this process may not use processor {number}", hint)
    most = len(allowed if place.cpus is None else place.cpus)
    if place.threads is not None and place.threads > most:
        text = f"{place.threads} threads would spin on {most} processor{'s' * (most > 1)}"
        yield Problem((*path, "threads"), text, f"at most {most}")


def ranges(numbers: frozenset[int]) -> str:
    """Processor numbers as Linux writes them.

    Examples
    --------
    >>> ranges(frozenset({0, 1, 2, 5}))
    '0-2,5'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def lacking(wants: LoadModel | PlacementMethod, path: Path) -> Iterator[Problem]:
    """What the machine lacks for a load or a placement method, by its own word."""
    try:
        missing = wants.missing()
    except Exception as error:  # a plugin may raise anything: it is what the machine lacks
        missing = f"cannot be looked for: {type(error).__name__}: {error}"
    if missing:
        yield Problem(path, missing)
