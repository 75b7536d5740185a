"""A benchmark: the pipelines that share the machine, and the rules that hold for all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from mlbench.spec.model import Name, Positive, SpecModel
from mlbench.spec.pipeline import Pipeline, Stop

__all__ = ["DEFAULT_STOP", "Benchmark", "Limits", "Study", "Timeouts"]

DEFAULT_STOP = Stop(seconds=30)
"""Where neither a pipeline nor the benchmark says when the load ends."""


class Study(SpecModel):
    """How ``collocate`` turns the benchmark into blocks of runs."""

    repeats: int = Field(default=5, ge=1)
    seconds: Positive = 30
    settle: float = Field(default=3, ge=0)
    cooldown: float = Field(default=2, ge=0)
    design: Literal["group"] = "group"


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
    """

    setup: Positive = 600
    query: Positive = 120
    drain: Positive = 60
    grace: Positive = 5


class Limits(SpecModel):
    """What makes a run INVALID, or ends it.

    Parameters
    ----------
    lateness_p99_ms
        A dispatcher later than this at the 99th percentile, and later than 1 % of the
        pipeline's median latency, did not offer the load that the spec says.
    backlog
        Queries that may wait in front of one pipeline before its load is ended.
    """

    lateness_p99_ms: Positive = 5
    backlog: int = Field(default=1_000_000, ge=1)


class Benchmark(SpecModel):
    """Pipelines that run side by side on one machine.

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
    study: Study = Study()
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    pipelines: dict[Name, Pipeline] = {}

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
