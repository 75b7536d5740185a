"""Studies are made here: isolated and collocated runs in randomised blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlbench.lazy import lazily

if TYPE_CHECKING:
    from mlbench.collocation.studies import collocate, collocate_placements, resume
    from mlbench.collocation.watcher import Step, Watcher

_HOME = {
    "Step": "watcher",
    "Watcher": "watcher",
    "collocate": "studies",
    "collocate_placements": "studies",
    "resume": "studies",
}

__all__ = ["Step", "Watcher", "collocate", "collocate_placements", "resume"]

__getattr__, __dir__ = lazily(__name__, _HOME)
