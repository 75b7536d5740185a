"""A long table, read piece by piece: what is in memory at once does not grow with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlbench.analysis.arrays import Tabular

__all__ = ["PIECE", "Pieces", "keep"]

PIECE = 1 << 16
"""Rows of a piece at least: columns of 500 kB, which stay in a processor's cache meanwhile."""


def keep() -> None:
    """What was read stays in memory, as of a table that is in no file."""


@dataclass(frozen=True)
class Pieces:
    """A table to be read from its first row to its last.

    Parameters
    ----------
    table
        The whole of it.
    release
        Gives the memory of what was read of it back.
    rows
        Of a piece at least, but for the last one. A piece is one batch of the file where that
        has as many, and its columns are then read where they lie; longer ones are cut.

    Examples
    --------
    >>> import pyarrow as pa
    >>> [len(piece) for piece in Pieces(pa.table({"span": range(5)}), rows=2)]
    [4, 1]
    """

    table: Tabular
    release: Callable[[], None] = keep
    rows: int = PIECE

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Tabular]:
        batches: list[Tabular] = []
        count, left = 0, len(self)
        for batch in self.table.to_batches(max_chunksize=2 * self.rows):
            batches.append(batch)
            count, left = count + batch.num_rows, left - batch.num_rows
            if count >= self.rows or not left:
                yield type(self.table).from_batches(batches)
                batches, count = [], 0
                self.release()
