"""The distribution of a pipeline's latencies over blocks, as a curve with its quantiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlbench.analysis.arrays import Floats
from mlbench.figures.source import Side
from mlbench.figures.units import Unit
from mlbench.stats import quantile_floor

__all__ = ["MEDIAN", "Curve", "shares_of"]

MARKED = (0.5, 0.9, 0.99, 0.999)
MEDIAN = quantile_floor(0.5)
"""Queries that a median needs."""

POINTS = 300
"""Of a curve at most."""


@dataclass(frozen=True)
class Curve:
    """The latencies of one pipeline on one side.

    Parameters
    ----------
    blocks
        Of each block in order, ns, infinite where a query failed; of a run one.
    """

    pipeline: str
    side: Side
    blocks: tuple[Floats, ...]

    @property
    def name(self) -> str:
        """Distinct for each curve."""
        return f"{self.side}\n{self.pipeline}"

    @property
    def count(self) -> int:
        """Of its queries."""
        return sum(block.size for block in self.blocks)

    @property
    def least(self) -> int:
        """The queries of the block that has fewest."""
        return min(block.size for block in self.blocks)

    @property
    def is_sparse(self) -> bool:
        """Whether a block has too few queries for a median."""
        return self.least < MEDIAN

    @property
    def failed(self) -> int:
        """How many did not succeed."""
        return sum(int(np.isinf(block).sum()) for block in self.blocks)

    def at(self, shares: Floats) -> Floats:
        """The quantiles, ns: the geometric mean of those of the blocks, as tables have them."""
        ranks = [np.maximum(np.ceil(b.size * shares).astype(int) - 1, 0) for b in self.blocks]
        with np.errstate(divide="ignore"):
            logs = [np.log(block[rank]) for block, rank in zip(self.blocks, ranks, strict=True)]
        means: Floats = np.exp(np.mean(logs, axis=0))
        return means

    def points(self, unit: Unit) -> pd.DataFrame:
        """The curve: ``latency`` in the unit and ``nines``, -log10 of the share above it."""
        shares = shares_of(self.least)
        values = self.at(shares)
        nines = -np.log10(1 - shares)
        frame = pd.DataFrame({"latency": values / unit.size, "nines": nines})
        named = frame.assign(pipeline=self.pipeline, curve=self.name)
        curve: pd.DataFrame = named[np.isfinite(values)]
        return curve

    def marks(self, unit: Unit) -> Iterator[dict[str, Any]]:  # Any: a row
        """The quantiles that each block has queries enough for."""
        known = [p for p in MARKED if self.least >= quantile_floor(p)]
        for p, value in zip(known, self.at(np.array(known, dtype=float)), strict=True):
            if np.isfinite(value):
                yield {
                    "latency": float(value) / unit.size,
                    "nines": -np.log10(1 - p),
                    "curve": self.name,
                    "pipeline": self.pipeline,
                    "quantile": f"p{100 * p:g}",
                }


def shares_of(count: int) -> Floats:
    """Shares of so many queries that lie evenly on the axis: few in the body, all in the tail."""
    even = 1 - 10 ** -np.linspace(0, np.log10(2 * count), POINTS)
    ranks = np.unique(np.minimum((even * count).astype(int), count - 1))
    shares: Floats = (ranks + 0.5) / count
    return shares
