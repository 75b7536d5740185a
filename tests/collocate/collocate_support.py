"""Small benchmarks for studies, and a study that no run is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mlbench.collocation.design import treatments_of
from mlbench.collocation.ledger import Ledger
from mlbench.collocation.watcher import Step, Watcher
from mlbench.spec import Benchmark
from mlbench.study.layout import RunEntry

NOOP = {"uses": "synthetic.noop"}

ANYHOW = {"foreign_share": 1, "steal_share": 1, "cooldown": 0, "min_blocks": 1}
"""A study that takes the machine as it is: what others do is not the subject of the test."""


def pipeline(stage: Mapping[str, Any] = NOOP, **keys: Any) -> dict[str, Any]:
    """A pipeline of one stage on the CPU."""
    place = {"device": "cpu", "cpus": [0], "threads": 1}
    fixed = {"data": {"uses": "synthetic.items"}, "place": place, "warmup": {"queries": 0}}
    return {**fixed, "stages": {"step": stage}, **keys}


def sleeping(seconds: float, **keys: Any) -> dict[str, Any]:
    """A pipeline whose stage sleeps."""
    return pipeline({"uses": "synthetic.sleep", "with": {"seconds": seconds}}, **keys)


def bench(names: str | Mapping[str, Any] = "ab", **study: Any) -> Benchmark:
    """A benchmark of pipelines that do nothing, or of those that are given."""
    pipelines = {name: pipeline() for name in names} if isinstance(names, str) else names
    fields = {"name": "b", "seed": 7, "pipelines": pipelines, "study": {**ANYHOW, **study}}
    limits = {"harness_share": 1, "lateness_p99_ms": 1000}
    return Benchmark.model_validate({**fields, "limits": limits})


def ledger(what: Benchmark, path: Path) -> Ledger:
    """A new study in a directory."""
    return Ledger.new(path, what, treatments_of(what), {})


def names(runs: Iterable[RunEntry]) -> list[str]:
    """The treatments of runs, in their order."""
    return [run.treatment for run in runs]


class Interrupter(Watcher):
    """Asks for the end when a run of a treatment goes on, or when it begins."""

    def __init__(self, treatment: str, when: str = "going", times: int = 1) -> None:
        self._treatment, self._when, self._times = treatment, when, times
        self._asked = 0
        self.steps: list[Step] = []

    def interrupts(self) -> int:
        return self._asked

    def began(self, step: Step) -> None:
        self._hear("began", step)

    def going(self, step: Step, run: object) -> None:
        self._hear("going", step)

    def ended(self, step: Step) -> None:
        self.steps.append(step)

    def _hear(self, when: str, step: Step) -> None:
        if when == self._when and step.entry.treatment == self._treatment:
            self._asked = min(self._asked + 1, self._times)


Script = Callable[[RunEntry], Mapping[str, Any]]
"""What becomes of a run: fields of its entry."""
