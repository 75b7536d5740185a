"""The live table of ``mlbench monitor``: a line for each metric of each device and pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from mlbench.cli.gauges import Gauge, Gauges
from mlbench.cli.interrupts import Interrupts
from mlbench.cli.numbers import significant
from mlbench.cli.page import name, notes
from mlbench.cli.tables import Column, table_of

if TYPE_CHECKING:
    from mlbench.run import Run

__all__ = ["gauge_table", "show"]

TICK_S = 0.5
SCALES = (("bytes", 2**30, "GiB"), ("bytes/s", 2**20, "MiB/s"))
"""What is shown in a unit that people read."""


def show(run: Run, interrupts: Interrupts, until_interrupted: bool) -> Gauges:
    """Show the gauges of a run until it has ended; returns them.

    Parameters
    ----------
    until_interrupted
        Whether the first interrupt ends the showing: the run is somebody else's.
    """
    page, gauges = notes(), Gauges(run)
    page.print(f"{run.path}", soft_wrap=True, style="dim")
    live = Live(console=page, auto_refresh=False, transient=True)
    with live:
        while not _ended(run) and not (until_interrupted and interrupts.count):
            manifest = run.manifest
            gauges.update(manifest)
            if page.is_terminal:
                live.update(gauge_table(gauges, manifest, most=page.height - 5), refresh=True)
    gauges.update(run.manifest)
    return gauges


def _ended(run: Run) -> bool:
    """Wait one tick; whether the run ended in it."""
    try:
        run.wait(TICK_S)
    except TimeoutError:
        return False
    return True


def gauge_table(
    gauges: Gauges,
    manifest: Mapping[str, Any],  # Any: JSON
    most: int | None = None,
) -> Table:
    """One row a gauge, of the machine first; as many as a terminal has lines for, or all."""
    rows = list(gauges.rows(manifest))[: None if most is None else max(most, 1)]
    shown = [_scaled(unit, gauge) for _, _, unit, _, gauge in rows]
    return table_of(
        (
            Column("of", [name(who, "bold") for who, *_ in rows], "left"),
            Column("metric", [name(metric) for _, metric, *_ in rows], "left"),
            Column("now", [Text(now) for now, *_ in shown]),
            Column("mean", [Text(mean) for _, mean, *_ in shown]),
            Column("min", [Text(low, style="dim") for _, _, low, *_ in shown]),
            Column("max", [Text(high, style="dim") for *_, high, _ in shown]),
            Column("unit", [name(unit) for *_, unit in shown], "left"),
            Column("source", [name(source, "dim") for _, _, _, source, _ in rows], "left"),
        )
    )


def _scaled(unit: str, gauge: Gauge) -> tuple[str, str, str, str, str]:
    """The last value, the mean, the range, and the unit that they are in."""
    scale, shown = next(((by, to) for told, by, to in SCALES if told == unit), (1, unit))
    values = (gauge.last, gauge.mean, gauge.low, gauge.high)
    now, mean, low, high = (significant(value / scale) for value in values)
    return now, mean, low, high, shown
