"""The scenarios of MLPerf Inference, by their names; the fourth is `offline`.

Source: MLPerf Inference rules, "Scenarios" (github.com/mlcommons/inference_policies).
"""

from __future__ import annotations

from typing import ClassVar

from mlbench.loads.closed import Closed
from mlbench.loads.poisson import Poisson

__all__ = ["MultiStream", "Server", "SingleStream"]


class SingleStream(Closed):
    """One sample at a time; the result is the 90th percentile of latency."""

    example: ClassVar[str] = "load: single_stream"


class MultiStream(Closed):
    """One query at a time that carries several samples: write ``items_per_query: 8`` in `data`.

    The result is the 99th percentile of latency.
    """

    example: ClassVar[str] = "data: {uses: vision.photos, items_per_query: 8}\nload: multi_stream"


class Server(Poisson):
    """Poisson arrivals; the result is the rate that still keeps a bound on p99 latency."""

    example: ClassVar[str] = "load: {server: {rate: 10}}"
