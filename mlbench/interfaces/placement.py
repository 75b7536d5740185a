"""The interface of placement methods: what stands around a worker so that it shares a device."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

__all__ = ["PlacementMethod"]


class PlacementMethod(BaseModel):
    """A way to share a device: environment around a worker, and the clean-up after it.

    Where the variables of `together` or `around` have CUDA_VISIBLE_DEVICES, it names one
    device, and the worker's stages find it as ``cuda:0``.

    Class attributes
    ----------------
    needs_gpu
        Whether a pipeline that is placed on the CPU cannot use it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    needs_gpu: ClassVar[bool] = False

    @abstractmethod
    def missing(self) -> str | None:
        """What this machine lacks for it and how to get it; null where it can run."""
        raise NotImplementedError

    def together(self, device: str) -> AbstractContextManager[Mapping[str, str]]:  # noqa: ARG002
        """Put up once what all pipelines stand in that share ``device`` by this method.

        Yields the variables that each of them needs, such as the address of a daemon, and
        undoes everything after the last has ended. It depends on no field.

        Raises
        ------
        EngineError
            On entering, if the machine refuses it; on leaving, if the pipelines did not
            have it all the time.
        """
        return nullcontext({})

    @abstractmethod
    def around(self, device: str) -> AbstractContextManager[Mapping[str, str]]:
        """Yield the variables that the worker's environment needs; undo everything after."""
        raise NotImplementedError
