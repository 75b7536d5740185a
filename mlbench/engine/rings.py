"""The rings of a run: those of each worker, the driver's and the sampler's."""

from __future__ import annotations

from collections.abc import Iterator

from mlbench.engine.arena import Arena
from mlbench.engine.ring import Ring
from mlbench.engine.rows import (
    COMPLETION_ROW,
    DISPATCH_ROW,
    EVENT_ROW,
    EXTRA_ROW,
    LINK_ROW,
    SAMPLE_ROW,
    SPAN_ROW,
)

__all__ = ["Rings", "RunRings"]


class Rings:
    """The shared memory of one worker's records.

    Parameters
    ----------
    arena
        The memory that they lie in; default one for each.
    """

    def __init__(self, arena: Arena | None = None) -> None:
        self.spans = Ring(SPAN_ROW, 1 << 16, arena)
        self.completions = Ring(COMPLETION_ROW, 1 << 15, arena)
        self.events = Ring(EVENT_ROW, 1 << 15, arena)
        self.links = Ring(LINK_ROW, 1 << 14, arena)
        self.extras = Ring(EXTRA_ROW, 1 << 14, arena)

    def __iter__(self) -> Iterator[Ring]:
        yield from (self.spans, self.completions, self.events, self.links, self.extras)

    @property
    def stalled_ns(self) -> int:
        """Time that the worker waited for the recorder."""
        return sum(ring.stalled_ns for ring in self)


class RunRings:
    """All rings of a run of so many pipelines.

    Supervisor and recorder each lay them out in the arena that they share, in the same order.
    """

    def __init__(self, arena: Arena, pipelines: int) -> None:
        self.dispatch = Ring(DISPATCH_ROW, 1 << 15, arena)
        self.samples = Ring(SAMPLE_ROW, 1 << 15, arena)
        self.workers = tuple(Rings(arena) for _ in range(pipelines))
