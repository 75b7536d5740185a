"""A run or a study as one page that needs nothing else: text, tables, figures."""

from __future__ import annotations

from mlbench.report.page import report

__all__ = ["report"]
