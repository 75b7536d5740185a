"""What people see while a run goes on: live bars in a terminal, else a line for each phase."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mlbench.cli.goal import Goal, goal
from mlbench.cli.numbers import duration, significant, unit_for
from mlbench.cli.page import Page, name
from mlbench.cli.tally import Tally
from mlbench.cli.text import plain
from mlbench.spec import Stop

__all__ = ["STOPPING", "Bars", "Lines", "Moment", "Progress"]

Entry = Mapping[str, Any]
"""What the manifest says of one pipeline; Any: JSON."""

STOPPING = "stopping; press Ctrl-C again to kill"
ENDED = frozenset({"done", "failed", "stopped"})
STYLES = {"done": "green", "failed": "red", "stopped": "yellow", "load": "cyan"}


@dataclass(frozen=True)
class Moment:
    """A run at one instant.

    Parameters
    ----------
    manifest
        ``run.json``; Any: JSON.
    tallies, stops
        By pipeline, what is recorded of it and when its load ends.
    stopping
        Whether the person has asked for its end.
    """

    manifest: Mapping[str, Any]
    tallies: Mapping[str, Tally]
    stops: Mapping[str, Stop | None]
    stopping: bool = False

    def load_s(self, key: str) -> float:
        """Seconds that a pipeline has been under load, those of its drain included."""
        entry, begin_ns = self.manifest["pipelines"][key], self.manifest.get("barrier_ns")
        end_ns = entry["load"]["end_ns"] or entry.get("ended_ns") or time.monotonic_ns()
        return 0.0 if begin_ns is None else max(0, end_ns - begin_ns) / 1e9


class Progress(Protocol):
    """Something that shows moments, between entering and leaving it."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, moment: Moment) -> None:
        """Show it in place of the one before."""


class Lines:
    """A line when the phase changes, a pipeline ends, or the end was asked for."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._said: set[str] = set()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *ended: object) -> None:
        return None

    def show(self, moment: Moment) -> None:
        """Say what is new."""
        if moment.stopping:
            self._say("stopping", STOPPING)
        for phase in moment.manifest["phases"]:
            self._say(f"phase {phase['name']}", str(phase["name"]))
        for key, entry in moment.manifest["pipelines"].items():
            if entry["status"] in ENDED:
                reason = f": {entry['reason']}" if entry.get("reason") else ""
                tally = moment.tallies.get(key, Tally())
                counts = f" ({tally.done:,} done, {tally.failed:,} failed)"
                self._say(f"end {key}", f"{key}: {entry['status']}{reason}{counts}")

    def _say(self, what: str, text: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self._page.print(plain(text), soft_wrap=True)


class Bars:
    """One line a pipeline: phase, bar, what is left, rate, queries, lateness."""

    def __init__(self, page: Page) -> None:
        self._live = Live(console=page, auto_refresh=False, transient=True)

    def __enter__(self) -> Bars:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, moment: Moment) -> None:
        """Draw it."""
        self._live.update(_drawing(moment), refresh=True)


def _drawing(moment: Moment) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", expand=True)
    table.add_column("", no_wrap=True, max_width=20, overflow="ellipsis")
    table.add_column("phase", no_wrap=True)
    table.add_column("", ratio=1, min_width=8)
    for title in ("", "/s", "done", "failed", "late p99"):
        table.add_column(title, no_wrap=True, justify="right")
    for key, entry in moment.manifest["pipelines"].items():
        table.add_row(*_row(key, entry, moment))
    status = str(moment.manifest["status"])
    if not moment.manifest["pipelines"]:
        return Text(status, style="dim")
    return Group(table, Text(STOPPING, style="bold yellow")) if moment.stopping else table


def _row(key: str, entry: Entry, moment: Moment) -> list[RenderableType]:
    tally, load_s = moment.tallies.get(key, Tally()), moment.load_s(key)
    reached = goal(moment.stops.get(key), load_s, tally.queries)
    phase = _phase(entry, moment, reached)
    late_ms = tally.lateness.quantile_ms(0.99) if load_s else None
    return [
        name(key, "bold"),
        Text(phase, style=STYLES.get(phase, "dim")),
        _bar(phase, reached, begun=load_s > 0),
        Text(_left(phase, reached, tally, moment), style="dim"),
        significant(tally.done / load_s) if load_s else "-",
        f"{tally.done:,}",
        Text(f"{tally.failed:,}", style="bold red" if tally.failed else ""),
        "-" if late_ms is None else _time(late_ms),
    ]


def _phase(entry: Entry, moment: Moment, reached: Goal) -> str:
    """The pipeline's own status where it has ended, else the phase that it is in."""
    if entry["status"] in ENDED:
        return str(entry["status"])
    phase = str(moment.manifest["status"])
    return "drain" if phase == "load" and reached.share == 1 else phase


def _bar(phase: str, reached: Goal, begun: bool) -> RenderableType:
    if phase in ENDED:
        return ProgressBar(total=1, completed=1 if phase == "done" else reached.share or 0)
    if not begun or reached.share is None:
        return ProgressBar(total=None, pulse=True)
    return ProgressBar(total=1, completed=reached.share)


def _left(phase: str, reached: Goal, tally: Tally, moment: Moment) -> str:
    """What is left of the load or of the drain; in the phases before, the time in them."""
    if phase == "load":
        return reached.left
    if phase in ENDED:
        return ""
    if phase == "drain":
        return f"{max(0, tally.sent - tally.done - tally.failed):,} to go" if tally.sent else ""
    started_ns = moment.manifest["phases"][-1]["start_ns"]
    return duration((time.monotonic_ns() - started_ns) / 1e9)


def _time(value_ms: float) -> str:
    unit = unit_for([value_ms])
    return f"{unit.show(value_ms)} {unit.name}"
