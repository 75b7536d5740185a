"""Data: nothing, for as long as somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from mlbench.interfaces.stage import Context, DataSource

__all__ = ["Steps"]

ENDLESS = 1 << 62


class Steps(DataSource):
    """The numbers 0, 1, 2, ... without end: queries for stages that need no data.

    `external.command` and the antagonists do not look at what they get.
    """

    gives: ClassVar[object] = int
    example: ClassVar[str] = "data: {uses: external.steps}"

    @contextmanager
    def open(self, context: Context) -> Iterator[Sequence[int]]:  # noqa: ARG002
        """Yield the numbers."""
        yield range(ENDLESS)
