"""Replay load: the arrivals of a recorded trace."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from mlbench.interfaces.load import OpenLoad
from mlbench.loads.trace import TraceError, read_column

__all__ = ["Replay"]

_NS = {"s": Decimal(10**9), "ms": Decimal(10**6), "us": Decimal(10**3), "ns": Decimal(1)}


class Replay(OpenLoad):
    """Queries are due when they came in a trace, counted from its first.

    The file is a JSON list, JSON lines or CSV with a header, as traces are published; the
    column holds timestamps (numbers in ``unit``, or ISO 8601 date-times) or gaps between
    queries. Arithmetic is decimal: due times are the trace's to the nanosecond.
    """

    example: ClassVar[str] = "load: {replay: {path: trace.csv, timestamps: time}}"

    path: str = Field(description="the trace: .json, .jsonl or .csv, relative to where you start")
    timestamps: str | None = Field(default=None, description="column of arrival times")
    gaps: str | None = Field(default=None, description="column of gaps before each query")
    unit: Literal["s", "ms", "us", "ns"] = Field(default="s", description="of numbers")
    scale: Decimal = Field(
        default=Decimal(1), gt=0, description="multiplies all times; 0.5 is twice as fast"
    )
    limit: int | None = Field(default=None, ge=1, description="queries to take; default all")
    sort: bool = Field(default=False, description="put timestamps in order first")

    @model_validator(mode="after")
    def _one_column(self) -> Replay:
        if (self.timestamps is None) == (self.gaps is None):
            raise ValueError("expected either timestamps: COLUMN or gaps: COLUMN")
        return self

    def missing(self) -> str | None:
        """Why the trace cannot be replayed: the file, the line, what was expected."""
        try:
            for _ in self._due():
                continue
        except TraceError as error:
            return str(error)
        return None

    def due(self, random: Random) -> Iterator[int]:  # noqa: ARG002  (nothing is drawn)
        """Due times in ns after the barrier, the first at 0 for timestamps."""
        return self._due()

    def _due(self) -> Iterator[int]:
        offsets = self._offsets_ns()
        return islice((round(offset * self.scale) for offset in offsets), self.limit)

    def _offsets_ns(self) -> Iterator[Decimal]:
        factor = _NS[self.unit]
        rows = read_column(Path(self.path), self.timestamps or self.gaps or "", factor)
        if self.gaps is not None:
            return _summed(rows, self.path)
        if self.sort:
            rows = iter(sorted(rows, key=lambda row: row[1]))
        return _from_first(rows, self.path)


def _summed(rows: Iterator[tuple[int, Decimal]], path: str) -> Iterator[Decimal]:
    total = Decimal(0)
    for line, gap in rows:
        if gap < 0:
            raise TraceError(f"{path}: row {line}: the gap is negative")
        total += gap
        yield total


def _from_first(rows: Iterator[tuple[int, Decimal]], path: str) -> Iterator[Decimal]:
    first: Decimal | None = None
    last = Decimal(0)
    for line, instant in rows:
        first = instant if first is None else first
        if instant - first < last:
            raise TraceError(
                f"{path}: row {line}: it is before the row above it; write sort: true to put "
                "the trace in order"
            )
        last = instant - first
        yield last
