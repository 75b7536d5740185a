"""Timeline: the lanes of a run in a notebook, live, with what was brushed as tables."""

from __future__ import annotations

from mlbench.widgets.timeline.selection import Selection
from mlbench.widgets.timeline.widget import Timeline

__all__ = ["Selection", "Timeline"]
