"""What is on the canvas: plain data that may be unfinished, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlbench.check.file import check_data
from mlbench.errors import Problem
from mlbench.spec import Benchmark
from mlbench.spec.request import local_stages

__all__ = ["Judged", "judged", "local_targets"]

Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True)
class Judged:
    """What plain data comes to.

    Parameters
    ----------
    bench
        The benchmark; null where the data is none.
    problems
        What keeps it from running here; empty for one that can run.
    """

    bench: Benchmark | None
    problems: tuple[Problem, ...]

    def to_dict(self) -> list[Json]:
        """The problems as JSON data."""
        return [
            {"path": list(each.path), "message": each.message, "hint": each.hint}
            for each in self.problems
        ]


def judged(spec: Mapping[str, Any], local: Mapping[str, Callable[..., object]]) -> Judged:
    """The benchmark that a spec on the canvas describes, and its problems.

    Parameters
    ----------
    local
        Stages that only this process has, by name: the canvas knows them by that.
    """
    bench, problems = check_data(_with_objects(spec, local))
    return Judged(bench, tuple(problems))


def local_targets(bench: Benchmark) -> dict[str, Callable[..., object]]:
    """The stages of a benchmark that only this process has, by name."""
    return {name: stage.target for name, stage in local_stages(bench).items()}


def _with_objects(value: Any, local: Mapping[str, Callable[..., object]]) -> Any:  # Any: JSON
    if isinstance(value, dict):
        return {
            key: local.get(each, each) if key == "uses" and isinstance(each, str)
            else _with_objects(each, local)
            for key, each in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [_with_objects(each, local) for each in value]
    return value
