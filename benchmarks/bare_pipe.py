"""A bare pipe between two processes: what an ingress costs at least.

``python -m benchmarks.bare_pipe RATE SECONDS`` prints the times from just before a write of
32 bytes to just after the read that was blocked for it, in ns, as a JSON list. The writer
waits as mlbench's driver does, with what priority it may have.
"""

from __future__ import annotations

import json
import os
import random
import struct
import sys
from time import monotonic_ns as clock

from mlbench.engine.clock import precise, wait_until

__all__ = ["main"]

MESSAGE = struct.Struct("qqqq")


def main() -> int:
    """Write at exponential gaps, read in the parent, print what the reader saw."""
    rate, seconds = (float(argument) for argument in sys.argv[1:])
    source, target = os.pipe()
    child = os.fork()
    if not child:
        os.close(source)
        _write(target, rate, seconds)
        os._exit(0)
    os.close(target)
    print(json.dumps(_read(source)))
    os.waitpid(child, 0)
    return 0


def _write(target: int, rate: float, seconds: float) -> None:
    precise()
    gaps = random.Random(0)
    due_ns = clock()
    for number in range(round(rate * seconds)):
        due_ns += round(gaps.expovariate(rate) * 1e9)
        wait_until(due_ns, ())
        while clock() < due_ns:
            pass
        os.write(target, MESSAGE.pack(number, 0, due_ns, clock()))


def _read(source: int) -> list[int]:
    times = []
    while data := os.read(source, 65536):
        received = clock()
        times += [received - sent for *_, sent in MESSAGE.iter_unpack(data)]
    return times


if __name__ == "__main__":
    sys.exit(main())
