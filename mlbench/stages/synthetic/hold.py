"""Stage: keeps Python's interpreter lock for a known time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Payload, Stage

__all__ = ["Hold"]


class Hold(Stage):
    """The payload after one C call of ``seconds`` that never lets go of the interpreter lock.

    It sleeps, so that only the lock is held, not a processor: what an extension that
    forgets to release the lock does to every other thread of its process.
    """

    example: ClassVar[str] = "hold: {uses: synthetic.hold, with: {seconds: 0.02}}"

    seconds: float = Field(ge=0, le=3600)

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:  # noqa: ARG002
        """Yield a function that holds the lock."""
        usleep = ctypes.PyDLL(None).usleep  # PyDLL, unlike CDLL, keeps the lock
        usleep.argtypes = (ctypes.c_uint,)
        microseconds = round(self.seconds * 1e6)

        def hold(payload: Payload) -> Payload:
            usleep(microseconds)
            return payload

        yield hold
