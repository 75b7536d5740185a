"""The rings of one worker."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlbench.engine.ring import Ring
from mlbench.engine.rows import COMPLETION_ROW, EVENT_ROW, EXTRA_ROW, LINK_ROW, SPAN_ROW

__all__ = ["Rings"]


@dataclass
class Rings:
    """The shared memory of one worker's records; made by the supervisor before it forks."""

    spans: Ring = field(default_factory=lambda: Ring(SPAN_ROW, 1 << 16))
    completions: Ring = field(default_factory=lambda: Ring(COMPLETION_ROW, 1 << 15))
    events: Ring = field(default_factory=lambda: Ring(EVENT_ROW, 1 << 15))
    links: Ring = field(default_factory=lambda: Ring(LINK_ROW, 1 << 14))
    extras: Ring = field(default_factory=lambda: Ring(EXTRA_ROW, 1 << 14))

    @property
    def stalled_ns(self) -> int:
        """Time that the worker waited for the recorder."""
        rings = (self.spans, self.completions, self.events, self.links, self.extras)
        return sum(ring.stalled_ns for ring in rings)
