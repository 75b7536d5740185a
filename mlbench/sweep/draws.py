"""Parameters that are drawn at random, each from a distribution of its own."""

from __future__ import annotations

from math import exp, log
from random import Random as Generator
from typing import Annotated, Any

from pydantic import Field, model_validator

from mlbench.seed import stream
from mlbench.spec.model import SpecModel

__all__ = ["Distribution", "Random"]

Bounds = tuple[float, float]


class Distribution(SpecModel):
    """Where a value is drawn from: exactly one of these.

    Parameters
    ----------
    uniform
        Between two numbers.
    log_uniform
        The same of the logarithm; both above 0.
    integers
        A whole number; both ends are drawn, too.
    choice
        One of a list, all alike.

    Examples
    --------
    >>> 1 <= Distribution(integers=(1, 3)).draw(Generator(7)) <= 3
    True
    """

    uniform: Bounds | None = None
    log_uniform: Bounds | None = None
    integers: tuple[int, int] | None = None
    choice: Annotated[tuple[Any, ...], Field(min_length=1)] | None = None  # Any: plain data

    @model_validator(mode="after")
    def _exactly_one(self) -> Distribution:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("expected one of uniform, log_uniform, integers and choice")
        bounds = self.uniform or self.log_uniform or self.integers
        if bounds is not None and bounds[0] > bounds[1]:
            raise ValueError(f"expected the lower bound first, not {list(bounds)}")
        if self.log_uniform is not None and self.log_uniform[0] <= 0:
            raise ValueError(f"expected bounds above 0, not {list(self.log_uniform)}")
        return self

    def draw(self, random: Generator) -> Any:  # Any: plain data
        """One value."""
        if self.uniform is not None:
            return random.uniform(*self.uniform)
        if self.log_uniform is not None:
            low, high = self.log_uniform
            return exp(random.uniform(log(low), log(high)))
        if self.integers is not None:
            return random.randint(*self.integers)
        return random.choice(self.choice or ())


class Random(SpecModel):
    """Drawn values of several parameters.

    Parameters
    ----------
    draws
        How many points; more of them leave the first ones as they are.
    of
        The distribution of each parameter.
    """

    draws: int = Field(ge=1, le=1_000_000)
    of: dict[str, Distribution] = Field(min_length=1)

    def values(self, seed: int) -> list[dict[str, Any]]:  # Any: plain data
        """The values of each draw, by parameter."""
        columns = {}
        for name, distribution in self.of.items():
            random = stream(seed, "draw", name)
            columns[name] = [distribution.draw(random) for _ in range(self.draws)]
        return [{name: column[i] for name, column in columns.items()} for i in range(self.draws)]
