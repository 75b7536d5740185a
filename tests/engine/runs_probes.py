"""Probes and a stage for runs of the sampler; the engine finds them by this module's name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mlbench.interfaces.probe import Context, Metric, Probe, Reading, Source
from mlbench.interfaces.stage import stage

SPIN = "import time; end = time.perf_counter() + {seconds}\nwhile time.perf_counter() < end: pass"


class Counts(Probe):
    """Counts its readings; raises at one of them if that is asked for."""

    metrics = (
        Metric("readings", "count", "itself", tier="fast"),
        Metric("never", "count", "nowhere", tier="fast"),
    )
    raises_at: int | None = None

    @contextmanager
    def open(self, context: Context) -> Iterator[Source]:
        context.missing("never", "there is none of it")
        count = 0

        def read(tier: str) -> list[Reading]:
            nonlocal count
            count += 1
            if count == self.raises_at:
                raise RuntimeError("it broke")
            return [Reading("readings", count, context.clock())]

        yield read


class Refuses(Probe):
    """Cannot be opened."""

    metrics = (Metric("refused", "count", "nowhere"),)

    @contextmanager
    def open(self, context: Context) -> Iterator[Source]:
        raise PermissionError("not for you")
        yield  # type: ignore[unreachable]  # a generator all the same


class Copies(Probe):
    """Declares a metric that is another probe's."""

    metrics = (Metric("cpu_time", "s", "nowhere"),)

    @contextmanager
    def open(self, context: Context) -> Iterator[Source]:
        yield lambda _: ()


@stage
def spin_in_a_child(number: int, *, seconds: float) -> int:
    """Have a process of its own compute, and wait for its end."""
    subprocess.run([sys.executable, "-S", "-c", SPIN.format(seconds=seconds)], check=True)
    return number
