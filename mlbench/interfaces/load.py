"""The interface of loads: arrival processes, which say when queries are due."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from random import Random
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

__all__ = ["SHARE", "ClosedLoad", "LoadModel", "OpenLoad"]

SHARE = "in a study, `utilisation: 0.7` in its place is a share of what the pipeline can do alone"
"""What the description of a field ``rate`` says of the word that may stand in its place."""


class LoadModel(BaseModel):
    """Base of the loads: a frozen configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    example: ClassVar[str] = ""
    """A use of it, as YAML, that ``mlbench loads NAME`` shows."""

    def missing(self) -> str | None:
        """What this machine lacks for the load, such as a file; null where it can run."""
        return None


class OpenLoad(LoadModel):
    """Arrivals that do not wait for the system: the driver process dispatches them.

    Class attributes
    ----------------
    until_last_completion
        Whether the load phase lasts until the last query is done, not until the last is due.
    """

    until_last_completion: ClassVar[bool] = False

    @abstractmethod
    def due(self, random: Random) -> Iterator[int]:
        """Due times in ns after the barrier, in order, without end unless the load has one.

        A pure generator: the i-th value depends on the configuration, ``random`` and i
        alone, so asking for more never changes the earlier ones.
        """
        raise NotImplementedError


class ClosedLoad(LoadModel):
    """A fixed number of queries in flight: the worker starts one when one has ended."""

    @property
    @abstractmethod
    def in_flight(self) -> int:
        """Queries in flight at any time."""
        raise NotImplementedError
