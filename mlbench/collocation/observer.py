"""The observer effect: what the sampler does to the pipelines that it looks at.

A reference pipeline does all the arithmetic that its place can do, slice after slice, once
without a sampler and once beside one at each rate, in blocks of one run of each in random
order. The slowdown is the ratio of what was done, with an interval over the blocks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlbench.errors import EngineError
from mlbench.run import Run, start
from mlbench.seed import stream
from mlbench.spec import Benchmark
from mlbench.stats import Interval, quantile, ratio_interval

__all__ = ["RATES_HZ", "Effect", "blocks_of", "effects", "observer_effect"]

RATES_HZ = (10.0, 100.0)
BLOCKS, SECONDS = 5, 2.0
SLICE_MS, SLICES = 5, 10
"""A slice that was held up is followed by idle ones that make up for it: ten are taken together."""

SLOWEST = 0.1
REFERENCES = {"cpu": "antagonist.cpu", "gpu": "antagonist.sm"}
RATE = "gflop_per_s"
LIMIT_S = 120.0

Rates = list[float]
"""What each slice of one run achieved."""


@dataclass(frozen=True)
class Effect:
    """What a sampler at one rate does.

    Parameters
    ----------
    rate_hz
        Readings per second of the fast and the medium metrics.
    mean
        Slowdown of all that was done: without the sampler over with it, above 1 is worse.
    slowest
        Slowdown of the slowest tenth of all twentieths of a second, which is where a pause
        shows; null where nothing at all was done in one.
    """

    rate_hz: float
    mean: Interval
    slowest: Interval | None

    def to_dict(self) -> dict[str, Any]:  # Any: JSON
        """As ``mlbench doctor --observer --json`` prints it."""
        slowest = self.slowest.to_dict() if self.slowest else None
        slowdown = {"mean": self.mean.to_dict(), "slowest": slowest}
        return {"rate_hz": self.rate_hz, "slowdown": slowdown}


def observer_effect(
    blocks: int = BLOCKS,
    seconds: float = SECONDS,
    on: str = "cpu",
    rates_hz: Sequence[float] = RATES_HZ,
    told: Callable[[str], None] = lambda _: None,
) -> list[Effect]:
    """The slowdown that a sampler causes here, by its rate.

    Parameters
    ----------
    blocks
        How often each run is made; one block has no interval.
    seconds
        Length of each run's load.
    on
        ``cpu``, on all processors of this process, or ``gpu``, on the first GPU.
    rates_hz
        Of the samplers.
    told
        Called with what is done next, before each run.

    Raises
    ------
    EngineError
        If a run does not end well.
    SpecError
        If there is no such device.
    """
    with tempfile.TemporaryDirectory(prefix="mlbench-observer-") as folder:
        found: dict[float | None, list[Rates]] = {rate: [] for rate in (None, *rates_hz)}
        for block, rate in blocks_of(blocks, rates_hz):
            told(f"block {block + 1} of {blocks}: {_words(rate)}")
            found[rate].append(_achieved(_ended(_bench(rate, seconds, on), Path(folder))))
    return effects(found.pop(None), {rate: runs for rate, runs in found.items() if rate})


def blocks_of(
    blocks: int, rates_hz: Sequence[float] = RATES_HZ
) -> Iterator[tuple[int, float | None]]:
    """Each run's block and rate, null for none; the order in a block is random and repeatable.

    Examples
    --------
    >>> sorted(list(blocks_of(2))[:3], key=str)
    [(0, 10.0), (0, 100.0), (0, None)]
    """
    for block in range(blocks):
        order = [None, *rates_hz]
        stream(0, "observer", block).shuffle(order)
        yield from ((block, rate) for rate in order)


def effects(without: Sequence[Rates], beside: dict[float, list[Rates]]) -> list[Effect]:
    """The slowdowns from what each slice achieved, run by run, the runs in order of blocks.

    Raises
    ------
    EngineError
        If a run did nothing at all.
    """

    def slowdown(of: Callable[[Rates], float], runs: Sequence[Rates]) -> Interval | None:
        before, after = [of(each) for each in without], [of(each) for each in runs]
        return ratio_interval(before, after) if min(before + after) > 0 else None

    found = []
    for rate, runs in beside.items():
        mean = slowdown(lambda rates: float(np.mean(rates)), runs)
        if mean is None:
            raise EngineError("the reference pipeline did no work: other processes took it all")
        found.append(Effect(rate, mean, slowdown(_slowest, runs)))
    return found


def _slowest(rates: Rates) -> float:
    whole = max(1, len(rates) // SLICES)
    parts = [float(np.mean(part)) for part in np.array_split(rates, whole)]
    return float(quantile(parts, SLOWEST))


def _words(rate_hz: float | None) -> str:
    return "no sampler" if rate_hz is None else f"a sampler at {rate_hz:g} Hz"


def _bench(rate_hz: float | None, seconds: float, on: str) -> Benchmark:
    stage = {"uses": REFERENCES[on], "with": {"slice_ms": SLICE_MS}}
    telemetry: Any = "off"  # Any: a spec's YAML
    if rate_hz is not None:
        telemetry = {"rates": {"fast": rate_hz, "medium": rate_hz}, "idle": 0}
    pipeline = {
        "data": {"uses": "synthetic.items"},
        "outputs": "none",
        "place": {"device": "cpu" if on == "cpu" else "cuda:0"},
        "stages": {"work": stage},
    }
    return Benchmark.model_validate(
        {
            "name": "observer",
            "stop": {"seconds": seconds},
            "telemetry": telemetry,
            "pipelines": {"reference": pipeline},
        }
    )


def _ended(bench: Benchmark, out: Path) -> Run:
    run = start(bench, out).wait(LIMIT_S)
    if run.status != "done":
        raise EngineError(f"the reference run {run.status}: {'; '.join(run.manifest['reasons'])}")
    return run


def _achieved(run: Run) -> Rates:
    """What the slices of the load achieved."""
    spans, events = run.spans(), run.events()
    measured = set(spans.loc[spans["query"] >= 0, "span"])
    here = (events["name"] == RATE) & events["span"].isin(measured)
    return [float(value) for value in events.loc[here, "value"]]
