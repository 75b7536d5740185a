"""A pipeline ``p`` in a few words, and what `check` says about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mlbench.check import Hardware, problems
from mlbench.spec import Benchmark

TWO_CORES = Hardware(gpu_count=lambda: 1, processors=lambda: frozenset({0, 1}))

Pipeline = Callable[..., Benchmark]
Told = Callable[..., list[str]]


@pytest.fixture
def bench() -> Pipeline:
    """Make a benchmark of one pipeline; stages without ``uses`` do nothing."""

    def make(stages: Mapping[str, Any], **pipeline: Any) -> Benchmark:
        noop = {"uses": "synthetic.noop"}
        spec = {
            "data": {"uses": "synthetic.items"},
            "stages": {name: noop | dict(stage) for name, stage in stages.items()},
            **pipeline,
        }
        return Benchmark.model_validate({"name": "b", "pipelines": {"p": spec}})

    return make


@pytest.fixture
def told(bench: Pipeline) -> Told:
    """Make it, check it, and return the problems as a person reads them."""

    def tell(stages: Mapping[str, Any], hardware: Hardware = TWO_CORES, **rest: Any) -> list[str]:
        found = problems(bench(stages, **rest), hardware)
        return [str(problem).removeprefix("pipelines.p.") for problem in found]

    return tell
