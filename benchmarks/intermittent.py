"""A run whose sampler is stopped and continued, and what its steps took with it and without.

Whole runs with a sampler and without it differ by more than a sampler costs. So one process
steps on without end, and the sampler of the same run is stopped (SIGSTOP) for every other
block of a quarter of a second, in random order within each pair: what drifts hits both alike.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbench import Benchmark, Run, start
from mlbench.probes.tree import bytes_of, owners_of

__all__ = ["Block", "intermittent", "of_blocks"]

BLOCK_S = 0.25
"""What disturbs a step for a while hits both blocks of a pair the more alike the shorter they
are: over the steps of a run on a busy machine, half a second makes the interval of a p99 a
fifth wider. Shorter still, too few ticks of the sampler, ten a second, would be in a block.
"""

MARGIN_NS = 10_000_000
"""Steps this soon after a change are of neither kind: what it missed, the sampler finds then."""

READY_S = 60.0


@dataclass(frozen=True)
class Block:
    """A stretch of the run's clock, with the sampler or without it."""

    begin_ns: int
    end_ns: int
    is_sampled: bool


def intermittent(bench: Benchmark, out: Path, pairs: int) -> tuple[list[Block], Run]:
    """The blocks, two of each pair in sequence, and the run in which they were, ended.

    Raises
    ------
    RuntimeError
        If the run did not end well, or had no sampler.
    """
    run = start(bench, out)
    try:
        sampler = _sampler(run)
        time.sleep(1)  # the first queries are slower
        blocks = list(_blocks(sampler, pairs))
        os.kill(sampler, signal.SIGCONT)
    finally:
        run.stop()
        run.wait()
    if run.status not in ("done", "stopped"):
        raise RuntimeError(f"{run.path} is {run.status}: {run.manifest['reasons']}")
    return blocks, run


def of_blocks(
    blocks: Sequence[Block],
    starts_ns: NDArray[np.int64],
    values: NDArray[np.float64],
    of: Callable[[NDArray[np.float64]], float],
    pooled: int = 1,
) -> tuple[list[float], list[float]]:
    """A figure of the steps with the sampler, and without it, of so many pairs at a time."""
    parts = [_within(block, starts_ns, values) for block in blocks]
    found: dict[bool, list[float]] = {True: [], False: []}
    for first in range(0, len(blocks), 2 * pooled):
        for kind, figures in found.items():
            group = range(first, min(first + 2 * pooled, len(blocks)))
            same = [parts[index] for index in group if blocks[index].is_sampled is kind]
            figures.append(of(np.concatenate(same)))
    return found[True], found[False]


def _within(
    block: Block, starts_ns: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The steps that began and ended in a block."""
    ends_ns = starts_ns + values
    inside = (starts_ns >= block.begin_ns + MARGIN_NS) & (ends_ns <= block.end_ns)
    return values[inside]


def _blocks(sampler: int, pairs: int) -> Iterator[Block]:
    order = random.Random(pairs)
    for _ in range(pairs):
        for is_sampled in order.sample((True, False), 2):
            os.kill(sampler, signal.SIGCONT if is_sampled else signal.SIGSTOP)
            begin_ns = time.monotonic_ns()
            time.sleep(BLOCK_S)
            yield Block(begin_ns, time.monotonic_ns(), is_sampled)


def _sampler(run: Run) -> int:
    """The process id of the sampler, once the load has begun."""
    end_s = time.monotonic() + READY_S
    while time.monotonic() < end_s:
        with suppress(KeyError, TypeError, OSError):
            manifest: dict[str, Any] = run.manifest  # type: ignore[assignment]  # JSON
            if manifest["barrier_ns"]:
                return _called(int(manifest["engine"]["pid"]), b"mlbench:sampler\n")
        time.sleep(0.1)
    raise RuntimeError(f"{run.path} had no sampler within {READY_S:g} s")


def _called(engine: int, name: bytes) -> int:
    family = owners_of({engine: "run"})
    return next(pid for pid in family if bytes_of(f"/proc/{pid}/comm") == name)
