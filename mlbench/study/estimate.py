"""From one number a block to an estimate with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Literal

import numpy as np

from mlbench.analysis.sides import Sides
from mlbench.stats import Interval, hierarchical_interval, mean_interval

__all__ = ["CONVENTION", "Estimate", "Method", "difference_over", "level_over", "ratio_over"]

CONVENTION = {
    "t": "Student's t on the logarithms of the blocks' ratios, and on their differences",
    "bootstrap": "percentile bootstrap of blocks, hierarchical (of the queries in them, too) where "
    "a metric is of single queries, of blocks alone where a block has one number",
}
"""The kinds of interval, as documents and captions name them."""

T_OF_LOGARITHMS = "Student's t on the logarithms of the blocks' values"
T_OF_VALUES = "Student's t on the blocks' values"
OF_QUERIES = "hierarchical percentile bootstrap of blocks and of the queries in them"
OF_BLOCKS = "percentile bootstrap of blocks alone"
"""The same of one metric: a throughput has no queries that could be drawn again."""


@dataclass(frozen=True)
class Method:
    """How an interval is made over blocks.

    Parameters
    ----------
    name
        ``t``: Student's t, which covers what it says with five blocks. ``bootstrap``: the
        hierarchical one, which with few blocks covers less.
    confidence
        What is covered, 0.95 for 95 %.
    draws
        How often blocks and queries are resampled, for the bootstrap.
    """

    name: Literal["t", "bootstrap"] = "t"
    confidence: float = 0.95
    draws: int = 2000

    @property
    def resamples(self) -> int:
        """How often queries are to be resampled in a block."""
        return self.draws if self.name == "bootstrap" else 0

    def interval(self, values: Sequence[float], sides: Sequence[Sides] = ()) -> Interval:
        """The mean of the values of the blocks, with its interval.

        Parameters
        ----------
        sides
            Where the values come from, with what resampling the queries gave.
        """
        if self.name == "t":
            return mean_interval(list(values), self.confidence)
        drawn = [each.draws for each in sides if each.draws is not None]
        whole = drawn if _all_drawn(sides) else None
        return hierarchical_interval(list(values), whole, self.confidence)

    def kind(self, sides: Sequence[Sides], logarithms: bool) -> str:
        """What `interval` does with such blocks, in words."""
        if self.name == "t":
            return T_OF_LOGARITHMS if logarithms else T_OF_VALUES
        return OF_QUERIES if _all_drawn(sides) else OF_BLOCKS


def _all_drawn(sides: Sequence[Sides]) -> bool:
    return bool(sides) and all(each.draws is not None for each in sides)


@dataclass(frozen=True)
class Estimate:
    """A number over the blocks of a study; null where ``reason`` says why.

    Parameters
    ----------
    low, high
        Bounds of its interval; null where there is none, as with one block.
    isolated, collocated
        What it is made of: geometric means of ratios, means of differences.
    blocks
        How many there were.
    interval
        How its interval was made, in words; null without an estimate.
    """

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    isolated: float | None = None
    collocated: float | None = None
    blocks: int = 0
    reason: str | None = None
    interval: str | None = None

    def to_dict(self) -> dict[str, float | None]:
        """``{estimate, low, high}``."""
        return {"estimate": self.estimate, "low": self.low, "high": self.high}


Blocks = Mapping[int, Sides]
"""A number of each block, by the block's index."""


def ratio_over(blocks: Blocks, method: Method) -> Estimate:
    """The geometric mean of the blocks' ratios; its interval is of their logarithms.

    Null as soon as one block has none: leaving it out would choose the blocks by what they
    say. Queries of several blocks are never pooled (Kalibera and Jones, ISMM 2013).
    """
    missing = _missing(blocks)
    if missing:
        return missing
    sides = list(blocks.values())
    logs = [log(each.value) for each in sides if each.value is not None]
    with np.errstate(invalid="ignore", divide="ignore"):
        found = method.interval(logs, [_logged(each) for each in sides])
    low, high = (None if bound is None else exp(bound) for bound in (found.low, found.high))
    one, two = (_mean_of([getattr(s, side) for s in sides], log, exp) for side in SIDES)
    kind = method.kind(sides, logarithms=True)
    return Estimate(exp(found.estimate), low, high, one, two, len(sides), interval=kind)


def difference_over(blocks: Blocks, method: Method) -> Estimate:
    """The mean of the blocks' differences with its interval; null as soon as one has none."""
    missing = _missing(blocks)
    if missing:
        return missing
    sides = list(blocks.values())
    found = method.interval([each.value for each in sides if each.value is not None], sides)
    one, two = (_mean_of([getattr(s, side) for s in sides], float, float) for side in SIDES)
    kind = method.kind(sides, logarithms=False)
    return Estimate(found.estimate, found.low, found.high, one, two, len(sides), interval=kind)


def level_over(
    values: Mapping[int, float | None], method: Method, reason: str = "", positive: bool = False
) -> Estimate:
    """The mean over blocks of one number, with its interval.

    Parameters
    ----------
    values
        By block; null makes the estimate null, with ``reason``.
    positive
        Whether the mean is geometric, and the interval of the logarithms.
    """
    found = {key: Sides(None, None, value, reason or None) for key, value in values.items()}
    return ratio_over(found, method) if positive else difference_over(found, method)


SIDES = ("isolated", "collocated")


def _missing(blocks: Blocks) -> Estimate | None:
    if not blocks:
        return Estimate(reason="there is no block in which both runs have ended")
    for block, sides in sorted(blocks.items()):
        if sides.value is None:
            why = sides.reason or "it was not measured"
            return Estimate(blocks=len(blocks), reason=f"block {block}: {why}")
    return None


def _logged(sides: Sides) -> Sides:
    draws = None if sides.draws is None else np.log(sides.draws)
    return Sides(None, None, None, draws=draws)


def _mean_of(
    values: Sequence[float | None],
    forth: Callable[[float], float],
    back: Callable[[float], float],
) -> float | None:
    known = [forth(value) for value in values if value is not None]
    return back(sum(known) / len(known)) if known and len(known) == len(values) else None
