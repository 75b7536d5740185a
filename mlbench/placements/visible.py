"""The device that a worker sees: one GPU, by the name that nothing renumbers."""

from __future__ import annotations

import os

from mlbench.errors import EngineError

__all__ = ["VISIBLE", "uuid_of"]

VISIBLE = "CUDA_VISIBLE_DEVICES"


def uuid_of(device: str) -> str:
    """The UUID of ``cuda:N``, as CUDA numbers the GPUs that this process may use.

    Raises
    ------
    EngineError
        If it is no GPU, or NVML does not know it.
    """
    from mlbench.machine.gpu import read_gpus, visible  # for who shares a GPU; the rest have none

    kind, _, index = device.partition(":")
    if kind != "cuda":
        raise EngineError(f"the pipeline is placed on {device!r}, and only a GPU is shared so")
    gpus = read_gpus(processes=False)
    uuids = visible(gpus.devices, os.environ.get(VISIBLE))
    number = int(index or 0)
    if number >= len(uuids):
        why = gpus.reasons.get("devices", f"this process sees {len(uuids)} GPUs")
        raise EngineError(f"there is no {device!r}: {why}")
    return uuids[number]
