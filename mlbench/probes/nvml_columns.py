"""Columns: questions to NVML that are asked again and again, until an error ends one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from mlbench.interfaces.probe import Context, Row, Tier
from mlbench.probes.nvml_errors import PATIENCE, Fate, fate_of, reason_of

if TYPE_CHECKING:
    from mlbench.probes.nvml_panels import Panel

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
    settle
        The same of an answer that is there already, from its return code and its instant; null
        where it takes more than one call.
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
    settle: Callable[[int, int], Iterable[Row]] | None = None
    apart_ns: int = 0
    failures: int = 0
    gone: bool = False


@dataclass
class Columns:
    """All columns of a probe, by tier and time between questions, and what errors did to them."""

    nvml: Any  # Any: the module pynvml, which has no types
    context: Context
    groups: dict[tuple[Tier, int], tuple[Column, ...]] = field(default_factory=dict)
    next_ns: dict[tuple[Tier, int], int] = field(default_factory=dict)
    panels: dict[tuple[Tier, int], tuple[Panel, ...]] = field(default_factory=dict)

    def add(self, column: Column) -> None:
        """Ask this, too, from now on."""
        key = column.tier, column.apart_ns
        self.groups[key] = (*self.groups.get(key, ()), column)

    def add_panel(self, panel: Panel) -> None:
        """Ask its columns together, for as long as all are well."""
        key = panel.columns[0].tier, panel.columns[0].apart_ns
        self.panels[key] = (*self.panels.get(key, ()), panel)

    def read(self, tier: Tier) -> list[Row]:
        """The readings of one tier; what failed is noted and left out."""
        rows: list[Row] = []
        now_ns = self.context.clock()
        for key in (*self.panels, *(key for key in self.groups if key not in self.panels)):
            if key[0] == tier and now_ns >= self.next_ns.get(key, 0):
                self.next_ns[key] = now_ns + key[1]
                self._read(key, rows)
        return rows

    def _read(self, key: tuple[Tier, int], rows: list[Row]) -> None:
        columns = self.groups.get(key, ())
        for panel in self.panels.get(key, ()):
            found = panel.ask(self.context.clock)
            if found is not None:
                rows += found
                continue
            self._dissolve(key, panel)
            for column, met in zip(panel.columns, panel.met, strict=True):
                if column.settle is not None and not column.gone:
                    self._take(column, partial(column.settle, *met), rows)
        for column in columns:
            if not column.gone:
                self._take(column, column.ask, rows)

    def _dissolve(self, key: tuple[Tier, int], panel: Panel) -> None:
        """Ask the columns of a panel one by one from now on."""
        if panel in self.panels[key]:
            self.panels[key] = tuple(each for each in self.panels[key] if each is not panel)
            self.groups[key] = (*self.groups.get(key, ()), *panel.columns)

    def _dissolve_all(self) -> None:
        for key, panels in tuple(self.panels.items()):
            for panel in panels:
                self._dissolve(key, panel)

    def _take(self, column: Column, ask: Callable[[], Iterable[Row]], rows: list[Row]) -> None:
        try:
            rows += ask()
        except self.nvml.NVMLError as error:
            self._failed(column, error)
        else:
            column.failures = 0

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
        key = column.tier, column.apart_ns
        self.groups[key] = tuple(each for each in self.groups[key] if each is not column)
        column.gone = True
        if column.otherwise is not None:
            self.add(column.otherwise())
            return
        for metric in column.metrics:
            self.context.missing(metric, reason, column.device)

    def lose(self, device: str, reason: str) -> None:
        """End all columns of a device, and those of its parts."""
        self._dissolve_all()
        for columns in self.groups.values():
            for column in columns:
                whole, _, _ = column.device.partition("/")
                if device in (column.device, whole) and not column.gone:
                    column.gone = True
                    if column.device not in self.context.ended:
                        self.context.lost(column.device, reason)

    def _over(self, reason: str) -> None:
        self._dissolve_all()
        self.context.note(f"NVML stopped working: {reason}")
        for columns in self.groups.values():
            for column in columns:
                column.gone = True
                for metric in column.metrics:
                    self.context.missing(metric, reason, column.device)
        self.groups.clear()
