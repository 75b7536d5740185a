"""Studies are made here: isolated and collocated runs in randomised blocks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'mlbench.collocation' has no attribute {name!r}")
    value: object = getattr(import_module(f"mlbench.collocation.{home}"), name)
    globals()[name] = value
    return value
