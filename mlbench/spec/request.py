"""A request: what the caller writes as ``spec.json`` before an engine starts."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import Field

from mlbench.records import FORMAT
from mlbench.spec.benchmark import Benchmark
from mlbench.spec.model import Positive, SpecModel
from mlbench.spec.pipeline import Pipeline
from mlbench.spec.stages import LocalName, Use

__all__ = ["Request", "Source", "Window", "spec_hash"]


class Window(SpecModel):
    """The part of the load phase that a study measures, in seconds from the barrier."""

    settle: float = Field(default=0, ge=0)
    seconds: Positive

    def bounds_ns(self, barrier_ns: int) -> tuple[int, int]:
        """Its first instant and the first one after it, on the run's clock."""
        begin = barrier_ns + round(self.settle * 1e9)
        return begin, begin + round(self.seconds * 1e9)


class Source(SpecModel):
    """The file of a module, and the SHA-256 of what stood in it, 16 hex digits."""

    file: str
    sha256: str


class Request(SpecModel):
    """One execution of a benchmark: which pipelines, which block, which window.

    Parameters
    ----------
    bench
        The whole spec; placements are divided over all its pipelines.
    only
        The pipelines that run; default all. The placement of each is the same in both.
    block
        Block of a study: arrivals and choices differ between blocks, never inside one.
    window
        Null for a plain run, whose load ends by the pipelines' stop rules.
    local_code
        Hash of the source of each stage that came from a notebook or a script.
    code
        By module, where what the spec names as ``module:object`` came from.
    marker
        Value of the variable ``MLBENCH_RUN`` in the environment of all processes of the run.
    engine
        Identity of the engine's process (`mlbench.store.process`): who reads the directory
        before there is a ``run.json`` can tell whether there will be one.
    """

    format: int = FORMAT
    bench: Benchmark
    only: tuple[str, ...] | None = None
    block: int = Field(default=0, ge=0)
    window: Window | None = None
    spec_hash: str = ""
    local_code: dict[str, str] = {}
    code: dict[str, Source] = {}
    marker: str = ""
    engine: dict[str, Any] | None = None  # Any: JSON

    @property
    def names(self) -> tuple[str, ...]:
        """The pipelines that run, in the order of the spec."""
        if self.only is None:
            return tuple(self.bench.pipelines)
        return tuple(name for name in self.bench.pipelines if name in self.only)


def spec_hash(bench: Benchmark) -> str:
    """SHA-256 of the spec with all defaults filled in, 16 hex digits.

    The order of stages and pipelines counts: the first stage is the entry, and processors
    are divided in order.
    """
    text = json.dumps(bench.complete(), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def named_modules(bench: Benchmark) -> list[str]:
    """The modules that the spec names itself, as ``module:object``; those of local stages not."""
    names: list[str] = []
    for pipeline in bench.pipelines.values():
        sharing = pipeline.place.sharing
        names += [use.uses for use in _uses(pipeline) if not isinstance(use.uses, LocalName)]
        names += [pipeline.load.name, *([] if sharing is None else [sharing.name])]
    return sorted({name.partition(":")[0] for name in names if ":" in name})


def local_stages(bench: Benchmark) -> dict[str, LocalName]:
    """The stages, data sets and resources that only this process has, by name."""
    uses = [use.uses for pipeline in bench.pipelines.values() for use in _uses(pipeline)]
    return {str(name): name for name in uses if isinstance(name, LocalName)}


def _uses(pipeline: Pipeline) -> tuple[Use, ...]:
    return (pipeline.data, *pipeline.resources.values(), *pipeline.stages.values())
