"""Timing on a device: stream events around a call, read when the query has ended.

A kernel launch returns before the kernel ends, so the host's clock does not see it, and a
synchronise in each stage would change the contention that is measured. Two events in the
stream cost a few microseconds; the time between them is read at the query's end. The last
stage of a query synchronises its stream before its end is stamped, so that ``done`` means
that the work is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlbench.interfaces.stage import Payload, Visit

__all__ = ["on_device"]

Call = Callable[[Payload], Payload]


def on_device(call: Call, device: str, wait: bool, visit: Visit) -> Call:
    """The call with events around it; with ``wait`` it returns when its stream has ended."""
    import torch

    stream_of = torch.cuda.current_stream
    new_event: Any = torch.cuda.Event  # Any: torch does not type it
    place = torch.device(device)

    def timed(payload: Payload) -> Payload:
        stream = stream_of(place)
        begin, end = new_event(enable_timing=True), new_event(enable_timing=True)
        begin.record(stream)
        result = call(payload)
        end.record(stream)
        if wait:
            stream.synchronize()

        def device_ns() -> int:
            end.synchronize()
            return int(begin.elapsed_time(end) * 1e6)

        visit.timings.append(device_ns)
        return result

    return timed
