"""Runs and studies in the formats of others: traces, tables, LaTeX."""

from __future__ import annotations

from mlbench.export.formats import FORMATS, export

__all__ = ["FORMATS", "export"]
