"""Closed load: a fixed number of queries in flight."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.load import ClosedLoad

__all__ = ["Closed"]


class Closed(ClosedLoad):
    """A query starts whenever one ends; ``concurrency`` above 1 needs pipelined execution."""

    example: ClassVar[str] = "load: {closed: {concurrency: 4}}"

    concurrency: int = Field(
        default=1, ge=1, le=100_000, description="queries in flight at any time"
    )

    @property
    def in_flight(self) -> int:
        """Queries in flight at any time."""
        return self.concurrency
