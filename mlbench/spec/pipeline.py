"""A pipeline: a graph of stages with its data, load, stop rule and placement."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from mlbench.spec.choice import Load, Sharing
from mlbench.spec.model import Name, Positive, SpecModel
from mlbench.spec.stages import StageSpec, Use

__all__ = ["SLO", "Data", "Pipeline", "Placement", "Stop", "Warmup"]


class Data(Use):
    """The data set of a pipeline, and how queries go through it.

    With ``items_per_query: k`` a query carries k neighbouring items: shuffling changes the
    order of these groups, not what is in them, and the last one of a pass goes on with the
    first items.

    Parameters
    ----------
    uses
        The data set; ``mlbench stages`` lists them.
    with
        Its options; ``mlbench stages NAME`` explains them.
    items_per_query
        Items that one query carries, as a list: static batching.
    order
        ``shuffled`` by the seed, again in each pass, or ``sequential``.
    """

    items_per_query: int = Field(default=1, ge=1)
    order: Literal["shuffled", "sequential"] = "shuffled"


class Stop(SpecModel):
    """When the load of a plain run ends.

    It ends as soon as both minima are reached, or any maximum. ``seconds`` and
    ``queries`` set minimum and maximum at once.

    Parameters
    ----------
    seconds
        Exactly so long; beside ``queries``, what comes first.
    queries
        Exactly so many.
    min_seconds
        At least so long: a run that was shorter is INVALID.
    min_queries
        At least so many: a run that had fewer is INVALID.
    max_seconds
        At most so long.
    max_queries
        At most so many.
    """

    seconds: Positive | None = None
    queries: int | None = Field(default=None, ge=1)
    min_seconds: float = Field(default=0, ge=0)
    max_seconds: Positive | None = None
    min_queries: int = Field(default=0, ge=0)
    max_queries: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _says_something(self) -> Stop:
        maxima = (self.seconds, self.queries, self.max_seconds, self.max_queries)
        if not any(maxima) and not self.min_seconds and not self.min_queries:
            raise ValueError("expected seconds, queries, or a minimum or maximum above 0")
        return self

    def ends(self, elapsed_ns: int, queries: int) -> bool:
        """Whether no query is due any more, after this time and this many queries."""
        seconds = elapsed_ns / 1e9
        for limit, value in ((self.seconds, seconds), (self.max_seconds, seconds)):
            if limit is not None and value >= limit:
                return True
        for bound in (self.queries, self.max_queries):
            if bound is not None and queries >= bound:
                return True
        if not self.min_seconds and not self.min_queries:
            return False
        return seconds >= self.min_seconds and queries >= self.min_queries


class Warmup(SpecModel):
    """Queries that run before the load and are kept out of every table.

    Parameters
    ----------
    queries
        How many, on items of their own; what a stage has trained meanwhile is put back.
    """

    queries: int = Field(default=1, ge=0)


class SLO(SpecModel):
    """A service-level objective, counted over offered queries: those that keep every limit.

    Parameters
    ----------
    latency_ms
        From due to done.
    ttft_ms
        Time to first token, from due to the first token of the answer.
    tpot_ms
        Time per output token, the mean of those after the first.
    """

    latency_ms: Positive | None = None
    ttft_ms: Positive | None = None
    tpot_ms: Positive | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> SLO:
        if not (self.latency_ms or self.ttft_ms or self.tpot_ms):
            raise ValueError("expected at least one of latency_ms, ttft_ms and tpot_ms")
        return self


CpuSet = tuple[Annotated[int, Field(ge=0)], ...]


class Placement(SpecModel):
    """Where a pipeline runs. What is left out is divided fairly between the pipelines.

    Parameters
    ----------
    device
        ``cpu``, ``cuda`` or ``cuda:N``; ``auto`` takes the first GPU, else the CPU.
    cpus
        Processors that the pipeline is pinned to. Default: its share of the machine's.
    threads
        Threads of torch, OpenMP and BLAS. Default: as many as it has processors.
    priority
        ``best_effort`` gives way to the others (nice 10).
    sharing
        A placement method for the device, such as MPS or MIG.
    """

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    cpus: CpuSet | None = None
    threads: int | None = Field(default=None, ge=1)
    priority: Literal["high", "normal", "best_effort"] = "normal"
    sharing: Sharing | None = None

    @field_validator("cpus")
    @classmethod
    def _distinct(cls, value: CpuSet | None) -> CpuSet | None:
        if value is not None and (not value or len(set(value)) != len(value)):
            raise ValueError("expected distinct processor numbers, such as [0, 1]")
        return value


class Pipeline(SpecModel):
    """A graph of stages with everything that says how it is driven and where it runs.

    Parameters
    ----------
    data
        What the queries carry.
    load
        When they are due; ``mlbench loads`` explains each. In place of a ``rate``,
        ``utilisation: 0.7`` is a share of the throughput that the pipeline reaches alone:
        ``collocate`` measures that first, ``run`` needs a rate.
    stop
        When the load of a plain run ends; default: the benchmark's rule.
    warmup
        What runs before the load.
    execution
        ``serial``: one query at a time, in one thread. ``pipelined``: each stage has threads
        of its own, so that several queries are under way.
    place
        Where it runs.
    slo
        What counts as served in time.
    resources
        What its stages share, such as a model, by name: ``resources: {lm: {uses:
        text.model}}`` is ``$lm`` in the options of a stage that takes one.
    entry
        The stage that a query enters by; default the first one.
    stages
        The steps, by name.
    outputs
        Whether what the sinks give is recorded.
    """

    data: Data
    load: Load = Load.model_construct(name="closed", options={})
    stop: Stop | None = None
    warmup: Warmup = Warmup.model_construct()
    execution: Literal["serial", "pipelined"] = "serial"
    place: Placement = Placement.model_construct()
    slo: SLO | None = None
    resources: dict[Name, Use] = {}
    entry: Name | None = None
    stages: dict[Name, StageSpec] = Field(min_length=1)
    outputs: Literal["all", "none"] = "all"

    @property
    def first(self) -> str:
        """The stage that a query enters by: ``entry``, or the first one."""
        return self.entry or next(iter(self.stages))
