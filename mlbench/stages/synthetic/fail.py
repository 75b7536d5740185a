"""Stage: raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from pydantic import Field

from mlbench.errors import QueryError
from mlbench.interfaces.stage import Context, Payload, Stage

__all__ = ["Fail"]


class Fail(Stage):
    """Raises at query ``at``, or at each ``every``-th query; lets the others through."""

    example: ClassVar[str] = "flaky: {uses: synthetic.fail, with: {every: 10}}"

    every: int | None = Field(default=None, ge=1)
    at: int | None = Field(default=None, ge=0)

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Payload]]:
        """Yield a function that fails on its queries."""
        context.tracked = True

        def fail(payload: Payload) -> Payload:
            query = context.visit.query
            if query == self.at or (self.every and query >= 0 and (query + 1) % self.every == 0):
                raise QueryError(f"synthetic.fail was told to fail at query {query}")
            return payload

        yield fail
