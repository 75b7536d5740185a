"""Stage: copies its payload."""

from __future__ import annotations

from copy import deepcopy

from mlbench.interfaces.stage import Payload, stage

__all__ = ["copy"]


@stage
def copy(payload: Payload) -> Payload:
    """A deep copy of the payload: moves memory in proportion to its size."""
    return deepcopy(payload)
