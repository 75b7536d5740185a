"""Closed load: a fixed number of queries in flight."""

from __future__ import annotations

from pydantic import Field

from mlbench.interfaces.load import ClosedLoad

__all__ = ["Closed"]


class Closed(ClosedLoad):
    """A query starts whenever one ends; ``concurrency`` above 1 needs pipelined execution."""

    concurrency: int = Field(default=1, ge=1, le=100_000)

    @property
    def in_flight(self) -> int:
        """Queries in flight at any time."""
        return self.concurrency
