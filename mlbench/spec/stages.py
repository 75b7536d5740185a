"""A use of something registered: a stage of the graph, a data set, a shared resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SkipValidation, field_validator

from mlbench.spec.model import Name, SpecModel

__all__ = ["Batch", "LocalName", "StageSpec", "Use"]


class LocalName(str):
    """The name of a stage that is defined in a notebook or a script, with the stage itself.

    It compares, prints and serialises as its name. Only a spec made in Python carries one:
    YAML alone cannot bring the code back, and the manifest of a run says so.
    """

    target: Callable[..., object]
    __slots__ = ("target",)

    @classmethod
    def of(cls, target: Callable[..., object]) -> LocalName:
        """The name of ``target``: its module and qualified name."""
        name = cls(f"{target.__module__}:{target.__qualname__}")
        name.target = target
        return name


def _name_of(value: object) -> object:
    if isinstance(value, str) or not callable(value):
        return value
    return LocalName.of(value)


def _keep_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected the name of a stage, such as 'synthetic.noop', or a stage")
    return value


Uses = Annotated[SkipValidation[str], BeforeValidator(lambda value: _keep_text(_name_of(value)))]


class Use(SpecModel):
    """A registered name with its configuration: ``{uses: vision.classify, with: {top: 3}}``.

    ``uses`` stays a name: the registry's, or ``module:object`` of an importable module.

    Parameters
    ----------
    uses
        The name; ``mlbench stages`` lists those that are registered.
    with
        Its options; ``mlbench stages NAME`` explains them.
    """

    uses: Uses
    with_: dict[str, Any] = Field(default={}, alias="with")  # Any: the stage's own fields


class Batch(SpecModel):
    """Dynamic batching: one call for the payloads of several queries.

    Parameters
    ----------
    size
        Payloads in a call, at most.
    max_wait_ms
        How long the first one waits for others.
    """

    size: int = Field(ge=1)
    max_wait_ms: float = Field(default=0, ge=0)


class StageSpec(Use):
    """One stage of a pipeline and the edges that leave it.

    ``to`` is one successor, a list (fan-out: each gets a branch), or a mapping from the
    outputs of a router to successors. Without it the stage is a sink.

    Parameters
    ----------
    uses
        The stage: a registered name, or ``module:object``; ``mlbench stages`` lists them.
    with
        Its options; ``mlbench stages NAME`` explains them.
    to
        Where its output goes.
    join
        The stages whose branches it waits for; it gets a mapping of their payloads.
    max_visits
        How often a branch may come by in a loop.
    then
        Where the branch goes instead after that.
    batch
        Dynamic batches; only in pipelined execution.
    workers
        Threads that call it; only in pipelined execution.
    queue
        Payloads that may wait in front of it; only in pipelined execution.
    sync
        Whether a GPU is waited for after each call, to time it alone.
    """

    to: Name | tuple[Name, ...] | dict[str, Name] | None = None
    join: tuple[Name, ...] = ()
    max_visits: int | None = Field(default=None, ge=1)
    then: Name | None = None
    batch: Batch | None = None
    workers: int = Field(default=1, ge=1, le=256)
    queue: int = Field(default=64, ge=1)
    sync: bool = False

    @field_validator("to")
    @classmethod
    def _not_empty(cls, value: object) -> object:
        if value is not None and not value:
            raise ValueError("expected at least one successor; leave 'to' out for a sink")
        return value

    @property
    def successors(self) -> tuple[str, ...]:
        """Every stage that an edge leads to, ``then`` included, without repeats."""
        if self.to is None:
            targets: tuple[str, ...] = ()
        elif isinstance(self.to, str):
            targets = (self.to,)
        elif isinstance(self.to, dict):
            targets = tuple(self.to.values())
        else:
            targets = self.to
        if self.then is not None:
            targets = (*targets, self.then)
        return tuple(dict.fromkeys(targets))
