"""Figures for notebooks and papers: Altair charts, themes of venues, saving and its checks.

Every figure is a function of a run, a study or a table that gives an Altair chart; its
``save`` writes a PDF, SVG or PNG that is exactly as wide as the venue's column::

    mlbench.figures.slowdown(study).save("fig3.pdf", venue="ieeetran")

Altair takes seconds to import, so each name loads what it needs when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlbench.lazy import lazily

if TYPE_CHECKING:
    from mlbench.figures.charts.breakdown import breakdown
    from mlbench.figures.charts.energy import energy
    from mlbench.figures.charts.graph import graph
    from mlbench.figures.charts.latency import latency
    from mlbench.figures.charts.load import load
    from mlbench.figures.charts.matrix import matrix
    from mlbench.figures.charts.sensitivity import sensitivity
    from mlbench.figures.charts.slowdown import slowdown
    from mlbench.figures.charts.spans import spans
    from mlbench.figures.charts.sweep import sweep
    from mlbench.figures.charts.timeline import timeline
    from mlbench.figures.charts.tradeoff import tradeoff
    from mlbench.figures.checks import Finding
    from mlbench.figures.palette import looks
    from mlbench.figures.saving import FigureWarning, Saved, preflight, save
    from mlbench.figures.venue import VENUES, Theme, theme

_HOME = {
    "FigureWarning": "saving",
    "Finding": "checks",
    "Saved": "saving",
    "Theme": "venue",
    "VENUES": "venue",
    "breakdown": "charts.breakdown",
    "energy": "charts.energy",
    "graph": "charts.graph",
    "latency": "charts.latency",
    "load": "charts.load",
    "looks": "palette",
    "matrix": "charts.matrix",
    "preflight": "saving",
    "save": "saving",
    "sensitivity": "charts.sensitivity",
    "slowdown": "charts.slowdown",
    "spans": "charts.spans",
    "sweep": "charts.sweep",
    "theme": "venue",
    "timeline": "charts.timeline",
    "tradeoff": "charts.tradeoff",
}

__all__ = [
    "VENUES",
    "FigureWarning",
    "Finding",
    "Saved",
    "Theme",
    "breakdown",
    "energy",
    "graph",
    "latency",
    "load",
    "looks",
    "matrix",
    "preflight",
    "save",
    "sensitivity",
    "slowdown",
    "spans",
    "sweep",
    "theme",
    "timeline",
    "tradeoff",
]

__getattr__, __dir__ = lazily(__name__, _HOME)
