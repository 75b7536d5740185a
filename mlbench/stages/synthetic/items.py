"""Data: numbered items of a given size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, DataSource, Payload

__all__ = ["Items"]


class Items(DataSource):
    """``n`` items: their numbers, or, with ``bytes``, one shared block of that many bytes."""

    gives: ClassVar[object] = int
    example: ClassVar[str] = "data: {uses: synthetic.items, with: {n: 100}}"

    n: int = Field(default=1000, ge=1, description="items in the set")
    bytes: int = Field(default=0, ge=0, description="size of each item; 0 gives its number")

    def given(self) -> object:
        """Numbers, unless ``bytes`` asks for blocks."""
        return bytearray if self.bytes else int

    @contextmanager
    def open(self, context: Context) -> Iterator[Sequence[Payload]]:  # noqa: ARG002
        """Yield the items."""
        if self.bytes:
            yield [bytearray(self.bytes)] * self.n
        else:
            yield range(self.n)
