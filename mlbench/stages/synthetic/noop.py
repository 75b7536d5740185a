"""Stage: does nothing."""

from __future__ import annotations

from mlbench.interfaces.stage import Payload, stage

__all__ = ["noop"]


@stage
def noop(payload: Payload) -> Payload:
    """The payload as it came: what is measured around it is mlbench itself."""
    return payload
