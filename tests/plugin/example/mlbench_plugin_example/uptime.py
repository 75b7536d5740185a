"""Probe: how long the machine has been up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from mlbench.interfaces.probe import Metric, Probe, Reading, Source


class Uptime(Probe):
    """Seconds since the machine started."""

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("uptime", "s", "CLOCK_BOOTTIME"),)

    @contextmanager
    def open(self) -> Iterator[Source]:
        """Yield the probe itself: it has nothing to set up."""
        yield self

    def read(self) -> Iterator[Reading]:
        """The one reading of this moment."""
        now = time.monotonic_ns()
        yield Reading("uptime", now, now, time.clock_gettime(time.CLOCK_BOOTTIME))
