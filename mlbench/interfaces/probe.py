"""The interface of probes: sources of samples, each with its metrics declared."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

__all__ = ["Metric", "Probe", "Reading", "Source"]


@dataclass(frozen=True)
class Metric:
    """What a probe measures: its name, unit and where the number comes from."""

    name: str
    unit: str
    source: str


@dataclass(frozen=True)
class Reading:
    """One value of one metric over an interval of the run's clock, in ns."""

    metric: str
    start_ns: int
    end_ns: int
    value: float | None
    device: str | None = None
    pid: int | None = None


class Source(Protocol):
    """An opened probe."""

    def read(self) -> Iterator[Reading]:
        """The readings of this moment."""
        ...


class Probe(BaseModel):
    """One source of samples: a frozen configuration that is opened in the sampler."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metrics: ClassVar[tuple[Metric, ...]] = ()

    @abstractmethod
    def open(self) -> AbstractContextManager[Source]:
        """Set up, yield the source, clean up."""
        raise NotImplementedError
