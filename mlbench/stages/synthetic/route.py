"""Stage: a router that chooses by weights, or in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from pydantic import field_validator, model_validator

from mlbench.interfaces.stage import Context, Payload, Route, Stage

__all__ = ["RouteByChoice"]


class RouteByChoice(Stage):
    """Sends each query to one of its outputs.

    By ``weights`` the choice is drawn from the seed, query and visit; by ``cycle`` the
    outputs take turns: query ``q`` on visit ``v`` takes output ``(q + v - 1) mod n``.
    """

    example: ClassVar[str] = (
        "choose:\n  uses: synthetic.route\n  with: {weights: {left: 3, right: 1}}\n"
        "  to: {left: a, right: b}"
    )

    weights: dict[str, float] = {}
    cycle: tuple[str, ...] = ()

    @field_validator("weights")
    @classmethod
    def _not_negative(cls, value: dict[str, float]) -> dict[str, float]:
        if value and (min(value.values()) < 0 or sum(value.values()) <= 0):
            raise ValueError("expected weights of at least 0, one of them above 0")
        return value

    @model_validator(mode="after")
    def _one_of_both(self) -> RouteByChoice:
        if bool(self.weights) == bool(self.cycle):
            raise ValueError("expected either weights: {name: weight} or cycle: [name, name]")
        return self

    def routes(self) -> Mapping[str, object]:
        """The outputs that the configuration names."""
        return dict.fromkeys((*self.weights, *self.cycle), object)

    @contextmanager
    def open(self, context: Context) -> Iterator[Callable[[Payload], Route]]:
        """Yield the router."""
        draw = context.randomness()
        names, weights = list(self.weights), list(self.weights.values())

        def by_weight(payload: Payload) -> Route:
            return Route(draw().choices(names, weights)[0], payload)

        def in_turn(payload: Payload) -> Route:
            turn = context.visit.query + context.visit.number - 1
            return Route(self.cycle[turn % len(self.cycle)], payload)

        yield in_turn if self.cycle else by_weight
