"""Splits a measured total by a model: plain arithmetic, and no number that was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlbench.analysis.attribution_usage import OTHERS

__all__ = ["Account", "blended", "equal", "shares_of"]

NOBODY = "it shows nothing that anybody did"


@dataclass(frozen=True)
class Account:
    """What is to be split: one resource, of one device where it is of one.

    Parameters
    ----------
    resource
        ``cpu_s``, ``sm_s``, ``memory_byte_s`` or ``energy_j``.
    device
        Its name; null for what is of the machine.
    total
        What was measured; null with ``reason``.
    idle
        The part of it that nobody is the cause of; null with ``idle_reason``, or where
        the resource has no such part.
    models
        By name, the weight of each party, or why the model has none.
    stage_ms
        The shortest median span whose stage is told apart; null where none is, for which
        ``stage_reason`` says why.
    """

    resource: str
    device: str | None
    total: float | None
    reason: str | None = None
    idle: float | None = None
    idle_reason: str | None = None
    models: Mapping[str, Mapping[int, float] | str] = field(default_factory=dict)
    stage_ms: float | None = None
    stage_reason: str = ""

    @property
    def has_idle(self) -> bool:
        """Whether a part of it is idle, known or not."""
        return self.idle is not None or self.idle_reason is not None

    @property
    def caused(self) -> float:
        """What is left for those that used it."""
        return (self.total or 0.0) - (self.idle or 0.0)


def shares_of(weights: Mapping[int, float]) -> Mapping[int, float] | str:
    """The weights as parts of 1, or why there are none.

    Examples
    --------
    >>> shares_of({0: 3.0, 1: 1.0}), shares_of({0: 0.0})
    ({0: 0.75, 1: 0.25}, 'it shows nothing that anybody did')
    """
    total = sum(weights.values())
    if not total > 0:
        return NOBODY
    return {party: weight / total for party, weight in weights.items()}


def equal(parties: list[int]) -> Mapping[int, float]:
    """The same weight for each of some pipelines; all to `OTHERS` where there is none."""
    return dict.fromkeys(parties, 1.0) if parties else {OTHERS: 1.0}


def blended(
    first: Mapping[int, float] | str, second: Mapping[int, float] | str
) -> Mapping[int, float] | str:
    """Half of the one share and half of the other, or the reason of the one that has none."""
    if isinstance(first, str):
        return first
    if isinstance(second, str):
        return second
    parties = sorted({*first, *second})
    return {each: (first.get(each, 0.0) + second.get(each, 0.0)) / 2 for each in parties}
