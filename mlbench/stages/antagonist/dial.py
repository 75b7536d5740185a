"""The dial of an antagonist: the part of the time in which it asks for its resource."""

from __future__ import annotations

import time
from collections.abc import Callable
from time import monotonic_ns
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Payload, Stage

__all__ = ["Dialled", "Result", "slices"]

Result = dict[str, float]


class Dialled(Stage):
    """A stage with a dial: whatever comes in, it works for a slice of time and gives its rate."""

    gives: ClassVar[object] = Result

    intensity: float = Field(
        default=1, ge=0, le=1, description="part of the time in which it asks, 0 to 1"
    )
    slice_ms: float = Field(default=20, gt=0, le=1000, description="length of a query, ms")


def slices(
    work: Callable[[], float], intensity: float, slice_ms: float, context: Context, rate: str
) -> Callable[[Payload], Result]:
    """A function that works for a part of a slice of time, idles for the rest, and says its rate.

    Pieces of work are not cut off, so a slice may have a little more than its part; the next
    ones have as much less. Over many slices the part is the dial's, however small.

    Parameters
    ----------
    work
        One piece of work, well below a slice long, without anything between it and the
        resource; gives how much it was, in the unit of ``rate`` times seconds.
    rate
        Name of the event, and the key of the result, that has the work of a slice over its
        length.
    """
    slice_ns = round(slice_ms * 1e6)
    owed_ns = 0.0

    def run_slice(payload: Payload) -> Result:  # noqa: ARG001
        nonlocal owed_ns
        begin_ns = now_ns = monotonic_ns()
        owed_ns += intensity * slice_ns
        done = 0.0
        while now_ns - begin_ns < min(owed_ns, slice_ns):
            done += work()
            now_ns = monotonic_ns()
        owed_ns -= now_ns - begin_ns
        if (idle_ns := begin_ns + slice_ns - now_ns) > 0:
            time.sleep(idle_ns / 1e9)
        length_ns = monotonic_ns() - begin_ns
        owed_ns += intensity * (length_ns - slice_ns)  # of the time by which it was too long
        achieved = done / length_ns * 1e9
        context.event(rate, achieved)
        return {rate: achieved}

    return run_slice
