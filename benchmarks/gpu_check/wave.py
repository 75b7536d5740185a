"""A load that is on or off, in a process of its own, whose edges are known.

``python -m benchmarks.gpu_check.wave SECONDS`` multiplies matrices on the first GPU, and
prints the seconds of the monotonic clock at which it went on, off, on, ...
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import IO, Any

__all__ = ["Wave", "waving"]

SHORTEST_S, LONGEST_S = 0.02, 0.15
SIDE = 4096
READY = "ready"


@dataclass
class Wave:
    """The process that makes the wave."""

    process: subprocess.Popen[str]

    def edges(self) -> list[float]:
        """When it went on, off, on, ...; waits for its end."""
        out, _ = self.process.communicate(timeout=60)
        found: list[float] = json.loads(out)
        return found


@contextmanager
def waving(seconds: float) -> Iterator[Wave]:
    """A wave of so many seconds, which has begun."""
    command = [sys.executable, "-m", "benchmarks.gpu_check.wave", str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        out: IO[str] | None = process.stdout
        if out is None or out.readline().strip() != READY:
            raise RuntimeError("the load did not start: its error stands above")
        yield Wave(process)
    finally:
        process.kill()
        process.wait()


def main() -> int:
    """Make the wave."""
    import torch

    left = torch.rand(SIDE, SIDE, device="cuda", dtype=torch.float16)
    product = torch.empty_like(left)
    random = Random(1)
    _burn(torch, left, product, 0.5)
    print(READY, flush=True)
    edges: list[float] = []
    end_s = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end_s:
        edges.append(time.monotonic())
        _burn(torch, left, product, random.uniform(SHORTEST_S, LONGEST_S))
        edges.append(time.monotonic())
        time.sleep(random.uniform(SHORTEST_S, LONGEST_S))
    print(json.dumps([*edges, time.monotonic()]))
    return 0


def _burn(torch: Any, left: Any, product: Any, seconds: float) -> None:  # Any: torch
    """Multiply for so long; a product at a time, so that it is over when it is told to be."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        torch.mm(left, left, out=product)
        torch.cuda.synchronize()


if __name__ == "__main__":
    sys.exit(main())
