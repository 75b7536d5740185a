"""Columns: questions to NVML that are asked again and again, until an error ends one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mlbench.interfaces.probe import Context, Row, Tier
from mlbench.probes.nvml_errors import PATIENCE, Fate, fate_of, reason_of

__all__ = ["Column", "Columns"]


@dataclass(slots=True)
class Column:
    """One question about one device, which answers some metrics.

    Parameters
    ----------
    device
        The name of the device.
    tier
        When it is asked.
    metrics
        What it answers; where one of several fails, the others stay.
    ask
        Gives the readings of this moment, and raises NVML's errors.
    otherwise
        Where it cannot be had here: another column in its place; null for none.
    apart_ns
        The least time between two questions, where the driver renews its answer seldom.
    """

    device: str
    tier: Tier
    metrics: tuple[str, ...]
    ask: Callable[[], Iterable[Row]]
    otherwise: Callable[[], Column] | None = None
    apart_ns: int = 0
    asked_ns: int = 0
    failures: int = 0
    gone: bool = False


@dataclass
class Columns:
    """All columns of a probe, by tier, and what their errors did to them."""

    nvml: Any  # Any: the module pynvml, which has no types
    context: Context
    tiers: dict[Tier, list[Column]] = field(default_factory=dict)

    def add(self, column: Column) -> None:
        """Ask this, too, from now on."""
        self.tiers.setdefault(column.tier, []).append(column)

    def read(self, tier: Tier) -> list[Row]:
        """The readings of one tier; what failed is noted and left out."""
        rows: list[Row] = []
        for column in tuple(self.tiers.get(tier, ())):
            if column.gone or (column.apart_ns and not self._is_time(column)):
                continue
            try:
                rows += column.ask()
            except self.nvml.NVMLError as error:
                self._failed(column, error)
            else:
                column.failures = 0
        return rows

    def _is_time(self, column: Column) -> bool:
        """Whether the driver may have something new since the last question."""
        now_ns = self.context.clock()
        if now_ns - column.asked_ns < column.apart_ns:
            return False
        column.asked_ns = now_ns
        return True

    def _failed(self, column: Column, error: Any) -> None:  # Any: pynvml's NVMLError
        match fate_of(error.value):
            case Fate.NOTHING_NEW:
                column.failures = 0
            case Fate.AGAIN:
                self._again(column, error)
            case Fate.GONE:
                self.remove(column, reason_of(error))
            case Fate.LOST:
                self.lose(column.device, str(error))
            case Fate.OVER:
                self._over(str(error))

    def _again(self, column: Column, error: Any) -> None:  # Any: pynvml's NVMLError
        column.failures += 1
        if column.failures >= PATIENCE:
            self.remove(column, f"{error}, {PATIENCE} times in sequence")

    def remove(self, column: Column, reason: str) -> None:
        """Give a column up, for what stands in for it or for good."""
        self.tiers[column.tier] = [each for each in self.tiers[column.tier] if each is not column]
        column.gone = True
        if column.otherwise is not None:
            self.add(column.otherwise())
            return
        for metric in column.metrics:
            self.context.missing(metric, reason, column.device)

    def lose(self, device: str, reason: str) -> None:
        """End all columns of a device, and those of its parts."""
        for columns in self.tiers.values():
            for column in columns:
                whole, _, _ = column.device.partition("/")
                if device in (column.device, whole) and not column.gone:
                    column.gone = True
                    if column.device not in self.context.ended:
                        self.context.lost(column.device, reason)

    def _over(self, reason: str) -> None:
        self.context.note(f"NVML stopped working: {reason}")
        for tier, columns in self.tiers.items():
            for column in columns:
                column.gone = True
                for metric in column.metrics:
                    self.context.missing(metric, reason, column.device)
            self.tiers[tier] = []
