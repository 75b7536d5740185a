"""Stage: does not come back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Payload, Stage

__all__ = ["Hang"]


class Hang(Stage):
    """Waits for ever at query ``at``; lets the others through."""

    example: ClassVar[str] = "stuck: {uses: synthetic.hang, with: {at: 3}}"

    at: int = Field(ge=0)

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        """Yield a function that hangs on its query."""
        context.tracked = True

        def hang(payload: Payload) -> Payload:
            if context.visit.query == self.at:
                threading.Event().wait()
            return payload

        yield hang
