"""Probe: how long the machine has been up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mlbench.interfaces.probe import Context, Metric, Probe, Reading, Source


class Uptime(Probe):
    """Seconds since the machine started."""

    metrics = (Metric("uptime", "s", "CLOCK_BOOTTIME", tier="slow"),)

    @contextmanager
    def open(self, context: Context) -> Iterator[Source]:
        """Yield a function that reads the clock."""

        def read(tier: str) -> list[Reading]:
            return [Reading("uptime", time.clock_gettime(time.CLOCK_BOOTTIME), context.clock())]

        yield read
