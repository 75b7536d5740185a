"""Stage: kills its process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.interfaces.stage import Context, Payload, Stage

__all__ = ["Crash"]


class Crash(Stage):
    """Ends its worker with SIGKILL at query ``at``, as the kernel does when memory runs out."""

    example: ClassVar[str] = "dies: {uses: synthetic.crash, with: {at: 3}}"

    at: int = Field(ge=0)

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        """Yield a function that ends the process on its query."""
        context.tracked = True

        def crash(payload: Payload) -> Payload:
            if context.visit.query == self.at:
                print(f"synthetic.crash ends its process at query {self.at}", file=sys.stderr)
                sys.stderr.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            return payload

        yield crash
