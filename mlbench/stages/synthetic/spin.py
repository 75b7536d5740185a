"""Stage: uses the CPU for a known time."""

from __future__ import annotations

from time import thread_time_ns
from typing import Annotated

from pydantic import Field

from mlbench.interfaces.stage import Payload, stage

__all__ = ["spin"]


@stage
def spin(payload: Payload, *, seconds: Annotated[float, Field(ge=0)]) -> Payload:
    """The payload after ``seconds`` of this thread's CPU time, in a pure Python loop."""
    end_ns = thread_time_ns() + round(seconds * 1e9)
    while thread_time_ns() < end_ns:
        pass
    return payload
