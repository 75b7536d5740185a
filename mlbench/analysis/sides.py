"""One number of a block: of the isolated run, of the collocated one, and of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from mlbench.analysis.arrays import Floats
from mlbench.analysis.latency import QUANTILES, distribution_ms
from mlbench.stats import quantile_draws

__all__ = ["KEYS", "Resampling", "Sides", "difference", "distributed", "inverse_ratio", "ratio"]

KEYS = ("mean", "p50", "p90", "p99")
"""Of every distribution that is compared."""


@dataclass(frozen=True)
class Sides:
    """A number of both runs, and what the second is beside the first.

    Parameters
    ----------
    isolated, collocated
        In the metric's own unit; null where the run does not have it.
    value
        Their ratio or difference; null where ``reason`` says why.
    draws
        What resampling the queries of both runs gives for the value; null where the block
        is one number, as with a throughput.
    """

    isolated: float | None
    collocated: float | None
    value: float | None = None
    reason: str | None = None
    draws: Floats | None = None


Combine = Callable[["float | None", "float | None"], Sides]


@dataclass(frozen=True)
class Resampling:
    """How often the queries of a run are drawn again; 0 for not at all."""

    times: int = 0
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def of(self, values: Floats, key: str) -> Floats:
        """The mean or a quantile of resamples; a mean's are normal, by the central limit."""
        if key in QUANTILES:
            return quantile_draws(np.sort(values), QUANTILES[key], self.times, self.random)
        error = float(values.std()) / np.sqrt(values.size)
        drawn: Floats = self.random.normal(values.mean(), error, self.times)
        return drawn


def ratio(isolated: float | None, collocated: float | None) -> Sides:
    """The collocated number over the isolated one."""
    return _over(Sides(isolated, collocated), collocated, isolated)


def inverse_ratio(isolated: float | None, collocated: float | None) -> Sides:
    """The isolated number over the collocated one, for what is better when it is more."""
    return _over(Sides(isolated, collocated), isolated, collocated)


def difference(isolated: float | None, collocated: float | None) -> Sides:
    """The collocated number less the isolated one."""
    if isolated is None or collocated is None:
        return Sides(isolated, collocated)
    return Sides(isolated, collocated, collocated - isolated)


def _over(sides: Sides, top: float | None, bottom: float | None) -> Sides:
    if top is None or bottom is None:
        return sides
    if top <= 0 or bottom <= 0:
        where = "alone" if sides.isolated == 0 else "together"
        return replace(sides, reason=f"it is zero {where}, and zero has no ratio")
    return replace(sides, value=top / bottom)


def distributed(
    isolated_ns: Floats, collocated_ns: Floats, what: str, combine: Combine, again: Resampling
) -> dict[str, Sides]:
    """The `KEYS` of the times of two runs in ms, each combined.

    Parameters
    ----------
    what
        What is counted, for the reasons.
    again
        How often queries are resampled.
    """
    alone, together = (distribution_ms(values, what) for values in (isolated_ns, collocated_ns))
    found = {}
    for key in KEYS:
        sides = combine(alone.values[key], together.values[key])
        whys = {"alone": alone.reasons.get(key), "together": together.reasons.get(key)}
        missing = "; ".join(f"{side}: {why}" for side, why in whys.items() if why)
        sides = replace(sides, reason=missing or sides.reason)
        if sides.value is not None and again.times:
            drawn = again.of(isolated_ns, key) / 1e6, again.of(collocated_ns, key) / 1e6
            sides = replace(sides, draws=_combined(drawn, combine))
        found[key] = sides
    return found


def _combined(drawn: tuple[Floats, Floats], combine: Combine) -> Floats:
    """The draws of both runs, combined one by one; infinite where a draw has no number."""
    with np.errstate(all="ignore"):
        found = drawn[1] - drawn[0] if combine is difference else drawn[1] / drawn[0]
    found[~np.isfinite(found) | ((found <= 0) & (combine is not difference))] = np.inf
    return found
