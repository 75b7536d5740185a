"""What people see in a terminal while a run goes on: a live bar for each pipeline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType

from rich.live import Live
from rich.text import Text

from mlbench.cli.goal import Goal, goal
from mlbench.cli.numbers import duration, significant, unit_for
from mlbench.cli.page import Page
from mlbench.cli.progress import ENDED, Moment, stopping
from mlbench.cli.tally import Tally
from mlbench.cli.text import one_line

__all__ = ["Bars"]

MIN_BAR, GAP = 3, 2
MARGIN = 3
"""Columns left free at the right: a terminal echoes ^C there, and must not begin a line."""
BAR_INDEX = 2
"""Columns that stand to the left of the bar."""
TITLES = ("", "phase", "", "/s", "done", "failed", "late p99")
HEADER = [Text(title, style="dim") for title in TITLES]
STYLES = {"done": "green", "failed": "red", "stopped": "yellow", "load": "cyan"}


class Bars:
    """One line a pipeline: phase, bar, what is left, rate, queries, lateness."""

    def __init__(self, page: Page) -> None:
        self._page = page
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
        self._live.update(_drawing(moment, self._page.width), refresh=True)


def _drawing(moment: Moment, width: int) -> Text:
    """The lines, laid out here: a Rich table of them costs ten times as much of a processor."""
    keys = list(moment.manifest["pipelines"])
    if not keys:
        return Text(str(moment.manifest["status"]), style="dim")
    cells = [HEADER, *(_row(key, moment, width // 6) for key in keys)]
    widths = [max(row[column].cell_len for row in cells) for column in range(len(HEADER))]
    room = max(MIN_BAR, width - MARGIN - sum(widths) - GAP * len(widths))
    bars = [Text(" " * room), *(_bar(key, moment, room) for key in keys)]
    lines = [_line(row, bar, widths) for row, bar in zip(cells, bars, strict=True)]
    lines += [
        Text(one_line(f"{key}: {note}", width - MARGIN), "dim")
        for key, note in moment.notes.items()
    ]
    if moment.stopping:
        lines.append(Text(one_line(stopping(moment), width - MARGIN), style="bold yellow"))
    return Text("\n", no_wrap=True, overflow="crop").join(lines)


def _line(cells: Sequence[Text], bar: Text, widths: Sequence[int]) -> Text:
    """Name and phase to the left, the bar, numbers to the right."""
    line, gap = Text(), " " * GAP
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        space = " " * (width - cell.cell_len)
        if index < BAR_INDEX:
            line.append_text(cell).append(space + gap)
            continue
        if index == BAR_INDEX:
            line.append_text(bar)
        line.append(gap + space).append_text(cell)
    return line


def _row(key: str, moment: Moment, longest: int) -> list[Text]:
    tally, load_s = moment.tallies.get(key, Tally()), moment.load_s(key)
    phase, reached = _phase(key, moment), _reached(key, moment)
    late_ms = tally.lateness.quantile_ms(0.99) if load_s else None
    return [
        Text(one_line(key, longest), style="bold"),
        Text(phase, style=STYLES.get(phase, "dim")),
        Text(_left(phase, reached, tally, moment), style="dim"),
        Text(significant(tally.done / load_s) if load_s else "-"),
        Text(f"{tally.done:,}"),
        Text(f"{tally.failed:,}", style="bold red" if tally.failed else ""),
        Text("-" if late_ms is None else _time(late_ms)),
    ]


def _reached(key: str, moment: Moment) -> Goal:
    queries = moment.tallies.get(key, Tally()).queries
    return goal(moment.stops.get(key), moment.load_s(key), queries)


def _phase(key: str, moment: Moment) -> str:
    """The pipeline's own status where it has ended, else the phase that it is in."""
    status = str(moment.manifest["pipelines"][key]["status"])
    if status in ENDED:
        return status
    phase = str(moment.manifest["status"])
    return "drain" if phase == "load" and _reached(key, moment).share == 1 else phase


def _bar(key: str, moment: Moment, width: int) -> Text:
    """How far the load has come; empty where nobody can know."""
    done = moment.manifest["pipelines"][key]["status"] == "done"
    share = 1.0 if done else _reached(key, moment).share or 0.0
    halves = round(2 * width * share) if moment.load_s(key) else 0
    full, half = divmod(halves, 2)
    style = STYLES.get(_phase(key, moment), "cyan")
    return Text.assemble(
        ("━" * full + "╸" * half, style), ("━" * (width - full - half), "bright_black")
    )


def _left(phase: str, reached: Goal, tally: Tally, moment: Moment) -> str:
    """What is left of the load or of the drain; in the phases before, the time in them."""
    if phase == "load":
        return reached.left
    if phase in ENDED:
        return ""
    if phase == "drain":
        return f"{max(0, tally.sent - tally.ended):,} to go" if tally.sent else ""
    started_ns = moment.manifest["phases"][-1]["start_ns"]
    return duration((time.monotonic_ns() - started_ns) / 1e9)


def _time(value_ms: float) -> str:
    unit = unit_for([value_ms])
    return f"{unit.show(value_ms)} {unit.name}"
