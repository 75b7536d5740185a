"""The interface of placement methods: what stands around a worker so that it shares a device."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager

from pydantic import BaseModel, ConfigDict

__all__ = ["PlacementMethod"]


class PlacementMethod(BaseModel):
    """A way to share a device: environment around a worker, and the clean-up after it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def missing(self) -> str | None:
        """What this machine lacks for it and how to get it; null where it can run."""
        raise NotImplementedError

    @abstractmethod
    def around(self, device: str) -> AbstractContextManager[Mapping[str, str]]:
        """Yield the variables that the worker's environment needs; undo everything after."""
        raise NotImplementedError
