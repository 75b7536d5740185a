"""Pieces of work on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlbench.errors import MlbenchError
from mlbench.interfaces.stage import Context

__all__ = ["gpu_of", "waiting"]


def gpu_of(stage: str, context: Context) -> str:
    """The GPU that the pipeline is placed on.

    Raises
    ------
    MlbenchError
        If it is on the CPU.
    """
    if context.device.startswith("cuda"):
        return context.device
    raise MlbenchError(
        f"{stage} works on a GPU, and the pipeline {context.pipeline!r} is placed on the CPU: "
        "place: {device: cuda}, on a machine that has one; antagonist.cpu and antagonist.memory "
        "work on processors"
    )


def waiting(launch: Callable[[], float], device: str) -> Callable[[], float]:
    """The work that ``launch`` starts on a GPU, done when it returns.

    It waits asleep. A wait that spins, as ``torch.cuda.synchronize`` does by default, would
    press on a processor as well.
    """
    import torch

    stream = torch.cuda.current_stream(device)
    new_event: Any = torch.cuda.Event  # Any: torch does not type it
    end = new_event(blocking=True)

    def work() -> float:
        done = launch()
        end.record(stream)
        end.synchronize()
        return done

    return work
