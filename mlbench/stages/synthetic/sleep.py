"""Stage: waits without using the CPU."""

from __future__ import annotations

import time
from typing import Annotated

from pydantic import Field

from mlbench.interfaces.stage import Payload, stage

__all__ = ["sleep"]


@stage
def sleep(payload: Payload, *, seconds: Annotated[float, Field(ge=0)]) -> Payload:
    """The payload after ``seconds`` of sleep: a service that waits for something else."""
    time.sleep(seconds)
    return payload
