"""A benchmark: the pipelines that share the machine, and the rules that hold for all."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

from pydantic import Field

from mlbench.errors import MlbenchError
from mlbench.spec.model import Name, Positive, SpecModel
from mlbench.spec.pipeline import Pipeline, Stop
from mlbench.spec.study import Study
from mlbench.spec.telemetry import Telemetry

__all__ = ["DEFAULT_STOP", "Benchmark", "Limits", "Timeouts", "expect_benchmark"]

DEFAULT_STOP = Stop.model_construct(seconds=30.0)
"""Where neither a pipeline nor the benchmark says when the load ends."""


SHORT = 6
"""Stages of a pipeline that are named in one line; of more there is the number."""


class Timeouts(SpecModel):
    """The end of every wait, in seconds.

    Parameters
    ----------
    setup
        Until a pipeline has opened its stages, and again until it is warm.
    query
        From the start of a query's first span. Checked between stages; a stage that does
        not come back within ``grace`` after it has its worker ended.
    drain
        After the load, for the queries that are still on their way.
    grace
        For a worker to close its stages, before it is killed.
    probe
        Until a probe is open, or a reading of it has come back; then it counts as hung, and
        the run goes on without it.
    """

    setup: Positive = 600
    query: Positive = 120
    drain: Positive = 60
    grace: Positive = 5
    probe: Positive = 5


class Limits(SpecModel):
    """What makes a run INVALID, or ends it.

    Parameters
    ----------
    lateness_p99_ms
        A dispatcher later than this at the 99th percentile, and later than 1 % of the
        pipeline's median latency, did not offer the load that the spec says.
    backlog
        Queries that may wait in front of one pipeline before its load is ended.
    harness_share
        The share of a pipeline's processors that the driver, the sampler and the recorder
        may use, where they have none to themselves.
    error_share
        In a study, the share of a run's queries that may fail, time out or get lost. They
        count as infinite, so from 1 % on they are the p99.
    presence_share
        In a study, the share of the window in which every pipeline of a run must have been
        under load; less, and the others were measured beside an empty seat.
    drift_significance
        In a study, a slowdown drifts if chance gives the trend that it has over the order
        of the blocks with less than this probability in the whole study. 1 %, because a
        false alarm costs a study.
    drift_share
        In a study, a slowdown drifts only if its trend changes it by more than this share
        from the first block to the last. 5 %, because a smaller change is inside of most
        intervals.
    """

    lateness_p99_ms: Positive = 5
    backlog: int = Field(default=1_000_000, ge=1)
    harness_share: float = Field(default=0.2, ge=0, le=1)
    error_share: float = Field(default=0.01, ge=0, le=1)
    presence_share: float = Field(default=0.99, ge=0, le=1)
    drift_significance: float = Field(default=0.01, ge=0, lt=1)
    drift_share: float = Field(default=0.05, ge=0)


class Benchmark(SpecModel):
    """Pipelines that run side by side on one machine.

    Parameters
    ----------
    name
        What the directories of its runs are called by.
    description
        Text for people; it changes nothing.
    seed
        What arrivals, the order of the items and the choices of the stages derive from.
    stop
        When the loads of a plain run end; a pipeline may have a rule of its own. Default:
        30 seconds.
    study
        How ``collocate`` makes runs of it.
    timeouts
        The end of every wait.
    limits
        What makes a run INVALID, or ends it.
    telemetry
        What is sampled beside the pipelines.
    pipelines
        By name; none at all is a recording of the machine.

    Examples
    --------
    >>> bench = Benchmark(
    ...     name="nothing",
    ...     pipelines={
    ...         "a": {
    ...             "data": {"uses": "synthetic.items", "with": {"n": 4}},
    ...             "stages": {"step": {"uses": "synthetic.noop"}},
    ...         }
    ...     },
    ... )
    >>> bench.pipelines["a"].load.name
    'closed'
    """

    name: Name
    description: str = ""
    seed: int = Field(default=0, ge=0, lt=2**63)
    stop: Stop | None = None
    study: Study = Study.model_construct()
    timeouts: Timeouts = Timeouts.model_construct()
    limits: Limits = Limits.model_construct()
    telemetry: Telemetry = Telemetry.model_construct()
    pipelines: dict[Name, Pipeline] = {}

    def __repr__(self) -> str:
        """Its name, and each pipeline with its load and its stages.

        Examples
        --------
        >>> stages = {name: {"uses": "synthetic.noop"} for name in ("prepare", "classify")}
        >>> photos = Pipeline(data={"uses": "vision.photos"}, stages=stages)
        >>> Benchmark(name="one", pipelines={"photos": photos})
        Benchmark('one', photos(closed: prepare, classify))
        """
        parts = (f"{name}({_in_short(each)})" for name, each in self.pipelines.items())
        return f"Benchmark({', '.join([repr(self.name), *parts])})"

    def __str__(self) -> str:
        return repr(self)

    def stop_rules(self, names: Iterable[str] | None = None) -> dict[str, Stop | None]:
        """The stop rule of each pipeline of a plain run: its own, or the benchmark's.

        Where some have one, the others, with null, go on as long as those do.

        Parameters
        ----------
        names
            The pipelines that run; default all.
        """
        running = list(self.pipelines if names is None else names)
        rules = {name: self.pipelines[name].stop or self.stop for name in running}
        return rules if any(rules.values()) else dict.fromkeys(rules, DEFAULT_STOP)

    def to_yaml(self) -> str:
        """The keys that were set, as YAML that ``mlbench.load`` reads back to an equal object."""
        from mlbench.spec.document import dump

        return dump(self.plain())


def _in_short(pipeline: Pipeline) -> str:
    count = len(pipeline.stages)
    stages = ", ".join(pipeline.stages) if count <= SHORT else f"{count} stages"
    return f"{pipeline.load.name}: {stages}"


def expect_benchmark(given: object) -> Benchmark:
    """The benchmark, if it is one.

    Raises
    ------
    MlbenchError
        If it is something else, such as the path of a spec.
    """
    if isinstance(given, Benchmark):
        return given
    told = f"mb.load({str(given)!r})" if isinstance(given, str | PathLike) else "mb.load(FILE)"
    raise MlbenchError(f"expected a Benchmark, such as {told}, not {type(given).__name__}")
