"""Distributions of times in which failures count as infinite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isinf
from types import MappingProxyType

import numpy as np

from mlbench.analysis.arrays import Floats, Integers
from mlbench.analysis.queries import RUNNING, Queries
from mlbench.records import NULL, Outcome
from mlbench.stats import quantile_floor, quantiles

__all__ = ["QUANTILES", "Distribution", "distribution_ms", "lateness_ns", "times_ns"]

QUANTILES = MappingProxyType({"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99})
"""The quantiles of every distribution; `mlbench.stats.quantile` says by which rule."""


@dataclass(frozen=True)
class Distribution:
    """Mean and quantiles, and for each that is null the reason."""

    values: Mapping[str, float | None]
    reasons: Mapping[str, str]


def distribution_ms(values_ns: Floats, what: str = "queries") -> Distribution:
    """The mean and the quantiles p50, p90, p95 and p99 in ms, null where there is none.

    The mean is null as soon as one value is infinite; a quantile where it falls on an
    infinite value, or where there are fewer values than its `quantile_floor`.

    Parameters
    ----------
    values_ns
        Times, infinite for what did not succeed.
    what
        What is counted, for the reasons.
    """
    count, failures = int(values_ns.size), int(np.isinf(values_ns).sum())
    values: dict[str, float | None] = dict.fromkeys(("mean", *QUANTILES))
    if not count:
        return Distribution(values, dict.fromkeys(values, f"no {what} have ended"))
    reasons = {}
    if failures:
        reasons["mean"] = f"{failures} of {count} {what} did not succeed and count as infinite"
    else:
        values["mean"] = float(values_ns.mean()) / 1e6
    found = quantiles(values_ns, list(QUANTILES.values()))
    for (name, p), value in zip(QUANTILES.items(), found, strict=True):
        if count < quantile_floor(p):
            reasons[name] = f"{name} needs {quantile_floor(p)} {what}, there are {count}"
        elif isinf(value):
            reasons[name] = f"it falls on the {failures} of {count} {what} that did not succeed"
        else:
            values[name] = value / 1e6
    return Distribution(values, reasons)


def times_ns(queries: Queries, values: Integers) -> Floats:
    """One of the times of the measured queries that have ended, infinite for failures.

    A time of a done query that is not recorded (its spans are still on their way) is left
    out.
    """
    ended = queries.measured & (queries.outcome != RUNNING)
    failed = queries.outcome != Outcome.DONE
    chosen = ended & (failed | (values != NULL))
    times: Floats = values[chosen].astype(np.float64)
    times[failed[chosen]] = np.inf
    return times


def lateness_ns(queries: Queries) -> Floats:
    """The lateness of all measured queries, however they ended: it is the harness's own."""
    known = queries.measured & (queries.lateness_ns != NULL)
    times: Floats = queries.lateness_ns[known].astype(np.float64)
    return times
