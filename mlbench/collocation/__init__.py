"""Studies are made here: isolated and collocated runs in randomised blocks."""

from mlbench.collocation.studies import collocate, collocate_placements, resume
from mlbench.collocation.watcher import Step, Watcher

__all__ = ["Step", "Watcher", "collocate", "collocate_placements", "resume"]
