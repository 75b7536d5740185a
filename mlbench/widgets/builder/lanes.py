"""Lanes: the places on this machine that a pipeline can be dropped on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlbench.machine.cpu import available_cpus
from mlbench.machine.gpu import Gpu, read_gpus
from mlbench.machine.kernel import cpu_range
from mlbench.placements.mig import Mig
from mlbench.placements.mps import Mps

__all__ = ["machine"]

Json = dict[str, Any]  # Any: JSON

MAX_SINGLE = 8
"""More processors than these have no lane each, only halves: a form takes any set."""

SHARES = (25, 50, 75)
"""Shares of a GPU's threads under MPS that have a lane, in percent."""


def machine() -> Json:
    """The processors of this machine, and its lanes: what it has not says why."""
    cpus = available_cpus()
    return {"cpus": list(cpus), "lanes": [*_cpu_lanes(cpus), *_gpu_lanes()]}


def _lane(key: str, label: str, detail: str, kind: str, place: Json, why: str | None) -> Json:
    return {
        "id": key,
        "label": label,
        "detail": detail,
        "kind": kind,
        "place": place,
        "available": why is None,
        "why": why or "",
    }


def _cpu_lanes(cpus: tuple[int, ...]) -> Iterator[Json]:
    yield _lane("auto", "Fair share", "what the others leave, divided evenly", "auto", {}, None)
    half = len(cpus) // 2
    sets = [(cpu,) for cpu in cpus] if len(cpus) <= MAX_SINGLE else [cpus[:half], cpus[half:]]
    for chosen in (*sets, cpus):
        if len(chosen) > 1 and chosen == cpus:
            label = "All processors"
        else:
            label = f"CPU {cpu_range(chosen)}"
        place = {"device": "cpu", "cpus": list(chosen)}
        count = f"{len(chosen)} processor{'s' if len(chosen) > 1 else ''}"
        yield _lane(f"cpu:{cpu_range(chosen)}", label, count, "cpu", place, None)


def _gpu_lanes() -> Iterator[Json]:
    gpus = read_gpus(processes=False)
    if not gpus.devices:
        why = gpus.reasons.get("devices", "this machine has no GPU")
        yield _lane("cuda:0", "GPU 0", "time slices", "gpu", {"device": "cuda:0"}, why)
        yield _mps_lane("cuda:0", "GPU 0", 50, why)
        return
    for gpu in gpus.devices:
        yield from _lanes_of(gpu)


def _lanes_of(gpu: Gpu) -> Iterator[Json]:
    device, name = f"cuda:{gpu.index}", gpu.name or f"GPU {gpu.index}"
    cut = "it is cut into MIG instances" if gpu.mig else None
    yield _lane(device, name, "time slices", "gpu", {"device": device}, cut)
    missing = cut or Mps().missing()
    for share in SHARES:
        yield _mps_lane(device, name, share, missing)
    for instance in gpu.mig_instances:
        if instance.uuid is None:
            continue
        method = Mig(uuid=instance.uuid)
        place = {"device": device, "sharing": {"mig": {"uuid": instance.uuid}}}
        label = instance.name or instance.uuid
        yield _lane(instance.uuid, label, f"instance of {name}", "mig", place, method.missing())


def _mps_lane(device: str, name: str, share: int, why: str | None) -> Json:
    sharing = {"mps": {"active_thread_percentage": share}}
    place = {"device": device, "sharing": sharing}
    return _lane(
        f"{device}:mps:{share}", f"{name}, MPS {share} %", "of its threads", "mps", place, why
    )
