"""Waits for instants and nothing else: how late this machine lets a process be, at least.

``python -m benchmarks.bare_wait RATE SECONDS`` prints how much later than each instant of a
Poisson process it got there, in ns, as a JSON list. It waits as mlbench's driver does on a
processor of its own, the last one, with what priority it may have; what it is late by, the
kernel or a hypervisor has taken.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
from itertools import accumulate
from time import monotonic_ns as clock

from mlbench.engine.clock import precise, wait_until

__all__ = ["main"]

LEAD_NS = 20_000_000


def main() -> int:
    """Wait for every instant, then print."""
    rate, seconds = (float(argument) for argument in sys.argv[1:])
    draw = random.Random(7)
    gaps = (round(draw.expovariate(rate) * 1e9) for _ in range(round(rate * seconds)))
    gc.disable()
    precise()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(json.dumps([_late_ns(due) for due in list(accumulate(gaps, initial=clock() + LEAD_NS))]))
    return 0


def _late_ns(due_ns: int) -> int:
    wait_until(due_ns, (), patient=True)
    while (reached := clock()) < due_ns:
        pass
    return reached - due_ns


if __name__ == "__main__":
    sys.exit(main())
